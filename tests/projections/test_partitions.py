"""The partition of a key, where Java's clients put it."""

import pytest

from projections.partitions import partition_of

# What the clients' own tests expect: those of Apache Kafka (signed numbers of 32 bits) and of librdkafka.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
    b"": 0x106E08D9,
    b"4": 0x5A4B5CA1,
    b"1234": 0x9FC97B14,
    b"giberish123456789": 0x8F552B0C,
}


@pytest.mark.parametrize("key", MURMUR2)
@pytest.mark.parametrize("partitions", [1, 2, 3, 12, 1000, 2**31])
def test_a_key_is_in_the_partition_that_javas_and_librdkafkas_clients_choose(key, partitions):
    assert partition_of(key, partitions) == (MURMUR2[key] & 0x7FFFFFFF) % partitions
