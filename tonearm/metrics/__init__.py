"""What a monitoring system sees of a deployment: metrics, from the same sources as status, report and site."""
