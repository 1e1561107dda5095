"""Kafka: topics, the bulk producer and its manifests, and the reader of offset ranges."""
