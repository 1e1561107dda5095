"""What a record means: decoding, validation, play rules and track identity over Arrow batches."""
