"""Settings: one name in two spellings, and a mistake is one line that names it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.policy import LineRate, MixedOrders
from sinks.assertion import CertificateCredentials
from sinks.signing import Credentials
from streams.netsuite_login import client_of, credentials_of
from streams.settings import Settings, SettingsError, load_settings
from streams.settings_source import env_name, setting_paths

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.upper().startswith("NUESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def toml(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "given.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def refused(file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        load_settings(file)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_nothing_given_is_a_local_kafka() -> None:
    settings = load_settings()
    assert settings.kafka.bootstrap_servers == "localhost:9092"
    assert settings.topics.orders == "nue.orders.v1"
    assert settings.registry.url is None


def test_the_environment_wins_over_the_file_and_leaves_its_neighbours(
    toml: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUESTREAM_TOPICS__ORDERS", "from.environment")
    topics = load_settings(toml('[topics]\norders = "from.file"\ncommands = "kept"\n')).topics
    assert (topics.orders, topics.commands) == ("from.environment", "kept")


def test_the_file_is_found_by_its_variable_and_by_its_name(toml: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nuestream.toml").write_text("[topics]\npartitions = 7\n", encoding="utf-8")
    assert load_settings().topics.partitions == 7
    monkeypatch.setenv("NUESTREAM_CONFIG", str(toml("[topics]\npartitions = 9\n")))
    assert load_settings().topics.partitions == 9


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUESTREAM_REGISTRY__URL", "")
    assert load_settings().registry.url is None


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUESTREAM_KAFKA__BOOTSTRAP_SERVERS", "elsewhere:9092")
    assert Settings(kafka={"bootstrap_servers": "here:9092"}).kafka.bootstrap_servers == "here:9092"


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_one(toml: Write) -> None:
    text = refused(toml('[kafka]\nbootstrap_server = "x"\n'))
    assert "kafka.bootstrap_server in " in text
    assert "did you mean kafka.bootstrap_servers?" in text
    assert "did you mean topics?" in refused(toml("[topcis]\n"))


def test_an_unknown_variable_is_refused_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUESTREAM_NETSUITE__TOKENID", "x")
    text = refused()
    assert text == "NUESTREAM_NETSUITE__TOKENID is not a setting; did you mean NUESTREAM_NETSUITE__TOKEN_ID?"


@pytest.mark.parametrize(
    ("text", "setting", "reason"),
    [
        ('[policy]\nmixed_orders = "both"', "policy.mixed_orders", "'one_document', 'split' or 'quarantine'"),
        ('[policy]\ntenant_time_zone = "Mars/Phobos"', "policy.tenant_time_zone", "not an IANA time zone"),
        ("[policy]\ntie_out_tolerance = -1", "policy.tie_out_tolerance", "greater than or equal to 0"),
        ("[topics]\npartitions = 0", "topics.partitions", "given: 0"),
        ('[topics]\norders = "no spaces"', "topics.orders", "pattern"),
        ('[topics]\norders = "a"\nquarantine = "a"', "topics.quarantine", "the same topic as orders"),
        ('[netsuite]\naccount = "12/34"', "netsuite.account", "pattern"),
        ('[registry]\nurl = "registry:8081"', "registry.url", "pattern"),
        ('[registry]\nurl = "http://r"\nusername = "u"', "registry.password", "username needs it"),
        ('[kafka]\nsecurity_protocol = "SASL_SSL"', "kafka.sasl_mechanism", "SASL_SSL needs it"),
        (
            '[kafka]\nsecurity_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "PLAIN"\nsasl_username = "u"',
            "kafka.sasl_password",
            "SASL_PLAINTEXT with PLAIN needs it",
        ),
        (
            '[kafka]\nsecurity_protocol = "SASL_SSL"\nsasl_mechanism = "OAUTHBEARER"',
            "kafka.oauth_token_url",
            "SASL_SSL with OAUTHBEARER needs it",
        ),
        ('[kafka]\nsasl_username = "u"', "kafka.sasl_username", "has no effect with PLAINTEXT"),
        ('[kafka]\nsecurity_protocol = "SSL"\nssl_ca = "/no/such.pem"', "kafka.ssl_ca", "does not point to a file"),
        ('[kafka]\nsecurity_protocol = "SSL"\nssl_key = "given.toml"', "kafka.ssl_certificate", "SSL needs it"),
        ('[kafka]\nsasl_password_file = "/no/such"', "kafka.sasl_password_file", "No such file"),
    ],
)
def test_a_wrong_value_is_named_in_both_spellings(toml: Write, text: str, setting: str, reason: str) -> None:
    told = refused(toml(text))
    assert told.startswith(f"{setting} ({env_name(tuple(setting.split('.')))}): ")
    assert reason in told


def test_several_mistakes_are_one_line_that_counts_the_others(toml: Write) -> None:
    told = refused(toml("[topics]\npartitions = 0\nreplication = 0\n"))
    assert told.startswith("topics.partitions")
    assert told.endswith("and 1 more")


def test_a_file_that_is_not_toml_is_named(toml: Write) -> None:
    file = toml("[kafka")
    assert refused(file).startswith(f"{file}: is not TOML")
    assert refused(Path("absent.toml")) == "absent.toml: cannot be read: No such file or directory"


def test_a_secret_comes_from_a_file_without_its_line_break(toml: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret \n", encoding="utf-8")
    netsuite = load_settings(toml(f'[netsuite]\ntoken_secret_file = "{tmp_path / "secret"}"')).netsuite
    assert netsuite.token_secret.get_secret_value() == "s3cret "


@pytest.mark.parametrize("over", ["token_secret", "token_secret_file"])
def test_a_secret_of_the_environment_replaces_the_other_form_in_the_file(
    toml: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    (tmp_path / "secret").write_text("other", encoding="utf-8")
    values = {"token_secret": "plain", "token_secret_file": str(tmp_path / "secret")}
    under = "token_secret" if over == "token_secret_file" else "token_secret_file"
    monkeypatch.setenv(f"NUESTREAM_NETSUITE__{over.upper()}", values[over])
    netsuite = load_settings(toml(f'[netsuite]\n{under} = "{values[under]}"')).netsuite
    assert netsuite.token_secret.get_secret_value() == ("plain" if over == "token_secret" else "other")


def test_a_secret_in_both_forms_at_once_is_refused(toml: Write, tmp_path: Path) -> None:
    file = toml('[netsuite]\ntoken_secret = "hidden"\ntoken_secret_file = "given.toml"\n')
    told = refused(file)
    assert "token_secret and token_secret_file are both given" in told
    assert "hidden" not in told


SECRETS = [path for path in setting_paths(Settings) if path[-1].endswith(("password", "secret", "private_key"))]


def test_the_secrets_are_these() -> None:
    assert {".".join(path) for path in SECRETS} == {
        "kafka.sasl_password",
        "kafka.oauth_client_secret",
        "kafka.ssl_key_password",
        "registry.password",
        "netsuite.private_key",
        "netsuite.consumer_secret",
        "netsuite.token_secret",
    }


@pytest.mark.parametrize("path", SECRETS, ids=".".join)
def test_no_secret_is_shown_in_a_message_or_a_repr(path: tuple[str, ...], toml: Write) -> None:
    needs = {
        "kafka.sasl_password": 'security_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "PLAIN"\nsasl_username = "u"',
        "kafka.oauth_client_secret": 'security_protocol = "SASL_PLAINTEXT"\nsasl_mechanism = "OAUTHBEARER"\n'
        'oauth_token_url = "http://t"\noauth_client_id = "c"',
        "kafka.ssl_key_password": 'security_protocol = "SSL"\nssl_key = "given.toml"\nssl_certificate = "given.toml"',
        "registry.password": 'url = "http://r"\nusername = "u"',
    }.get(".".join(path), "")
    settings = load_settings(toml(f'[{path[0]}]\n{needs}\n{path[1]} = "hunter2"\n'))
    assert "hunter2" not in repr(settings)
    wrong = refused(toml(f'[{path[0]}]\n{path[1]} = ["hunter2"]\nunknown = "hunter2"\n'))
    assert "hunter2" not in wrong


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "account"),
        ({"account": "1234567-sb1"}, "client_id"),
        ({"account": "1", "client_id": "c"}, "certificate_id"),
        ({"account": "1", "client_id": "c", "certificate_id": "d"}, "private_key"),
        ({"account": "1", "consumer_key": "k"}, "consumer_secret"),
        ({"account": "1", "consumer_key": "k", "consumer_secret": "s", "token_id": "t"}, "token_secret"),
        ({"account": "1", "consumer_key": "k", "auth": "oauth2"}, "client_id"),
        ({"account": "1", "client_id": "c", "auth": "tba"}, "consumer_key"),
        ({"account": "1", "client_id": "c", "consumer_key": "k"}, "certificate_id"),
    ],
)
def test_the_sink_needs_credentials_and_the_message_names_the_first_that_is_missing(
    toml: Write, given: dict[str, str], missing: str
) -> None:
    settings = load_settings(toml("[netsuite]\n" + "".join(f'{name} = "{value}"\n' for name, value in given.items())))
    with pytest.raises(SettingsError) as raised:
        settings.require_netsuite("apply")
    text = str(raised.value)
    assert text.startswith(
        f"netsuite.{missing} (NUESTREAM_NETSUITE__{missing.upper()}) is not set; `nuestream apply` needs it"
    )
    assert ("token-based" in text) == (missing != "account")


TOKEN_BASED = {"consumer_key": "k", "consumer_secret": "s", "token_id": "t", "token_secret": "u"}
CERTIFICATE = {"client_id": "c", "certificate_id": "d", "private_key": "p"}


@pytest.mark.parametrize(
    ("given", "method"),
    [
        (TOKEN_BASED, "tba"),
        (CERTIFICATE, "oauth2"),
        (TOKEN_BASED | CERTIFICATE, "oauth2"),
        (TOKEN_BASED | CERTIFICATE | {"auth": "tba"}, "tba"),
    ],
)
def test_the_sink_logs_in_by_oauth_unless_only_the_values_of_the_other_are_given(
    given: dict[str, str], method: str
) -> None:
    netsuite = Settings(netsuite={"account": "1", **given}).require_netsuite("apply")
    assert netsuite.method == method
    assert isinstance(credentials_of(netsuite), Credentials if method == "tba" else CertificateCredentials)


def test_a_private_key_that_cannot_sign_is_told_by_the_name_of_its_setting(toml: Write, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")
    given = f'account = "1"\nclient_id = "c"\ncertificate_id = "d"\nprivate_key_file = "{tmp_path / "key.pem"}"'
    netsuite = load_settings(toml(f"[netsuite]\n{given}")).require_netsuite("apply")
    with pytest.raises(SettingsError) as raised:
        client_of(netsuite)
    assert str(raised.value).startswith("netsuite.private_key (NUESTREAM_NETSUITE__PRIVATE_KEY): the private key is no")
    assert "hunter2" not in f"{raised.value!r} {raised.value.__cause__!r} {netsuite!r}"


def test_the_address_follows_from_the_account_unless_it_is_given(toml: Write) -> None:
    derived = load_settings(toml('[netsuite]\naccount = "1234567-sb1"')).netsuite
    assert (derived.account, derived.url) == ("1234567_SB1", "https://1234567-sb1.suitetalk.api.netsuite.com")
    given = load_settings(toml('[netsuite]\naccount = 1234567\nurl = "http://127.0.0.1:8080/"')).netsuite
    assert (given.account, given.url) == ("1234567", "http://127.0.0.1:8080")


def test_the_policy_has_exact_numbers_and_the_names_of_the_log(toml: Write) -> None:
    policy = load_settings(
        toml('[policy]\nmixed_orders = "split"\nline_rate = "per_period"\ntie_out_tolerance = 0.1')
    ).policy.to_policy()
    assert (policy.mixed_orders, policy.line_rate) == (MixedOrders.SPLIT, LineRate.PER_PERIOD)
    assert policy.tie_out_tolerance == Decimal("0.1")


def test_variables_of_the_test_suite_are_nobody_s_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUESTREAM_REQUIRE_KAFKA", "1")
    assert load_settings().kafka.client_id == "nuestream"
