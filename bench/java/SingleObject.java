/** Avro's single-object encoding: a datum behind a marker and the fingerprint of its schema. */
final class SingleObject {
    static final int HEADER_BYTES = 10;

    private SingleObject() {}
}
