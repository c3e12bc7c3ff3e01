"""The Faust app under the projector: how it reaches the brokers, and which of its habits are changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import faust

from streams.kafka import MAX_RECORD_BYTES, faust_options
from streams.reading import TopicReader
from streams.recovery import StateTables
from streams.settings import Settings
from streams.state_table import StateTable


def faust_app(settings: Settings, folder: Path) -> Any:
    """An app with nothing in it yet, whose tables keep their state in ``folder``."""
    project = settings.project
    app = faust.App(
        settings.groups.project,
        **faust_options(settings.kafka),
        broker_session_timeout=project.session_timeout,
        broker_heartbeat_interval=min(3.0, project.session_timeout / 4),
        broker_commit_interval=1.0,
        consumer_group_instance_id=project.instance_id,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=120.0,
        producer_max_request_size=MAX_RECORD_BYTES,
        producer_compression_type="gzip",
        Table=StateTable,
        TableManager=StateTables,
        store=f"{project.store}://",
        datadir=str(folder),
        table_standby_replicas=project.standby_replicas,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    app.tables.open_reader = partial(TopicReader, settings.kafka, settings.groups.project)
    return app
