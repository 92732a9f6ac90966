"""What both tiers count for Prometheus."""

from prometheus_client import Counter

DEGRADED = Counter(
    "darkroom_degraded",
    "How often something that the service can do without was away; `event` is what the log calls it.",
    ["event"],
)
