"""Real servers for tests: Apache Kafka, plain, secured and as a cluster, and a schema registry.

Found in this order: the one that an environment variable names, Docker, the server's own published Java artifacts.
"""

from tests.environment.availability import UnavailableError, refuse
from tests.environment.brokers import OwnBroker
from tests.environment.cluster import Cluster, start_cluster
from tests.environment.kafka import Kafka, find_kafka, start_kafka
from tests.environment.processes import StartError
from tests.environment.registry import SchemaRegistry, find_schema_registry
from tests.environment.secure_kafka import SecureKafka, start_secure_kafka

__all__ = [
    "Cluster",
    "Kafka",
    "OwnBroker",
    "SchemaRegistry",
    "SecureKafka",
    "StartError",
    "UnavailableError",
    "find_kafka",
    "find_schema_registry",
    "refuse",
    "start_cluster",
    "start_kafka",
    "start_secure_kafka",
]
