import java.io.IOException;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;

/** Avro's own reader for six fields of an event; the others are skipped. One for each task: it is of one thread. */
final class EventReader {
    private static final List<String> FIELDS =
            List.of("occurred_at", "country", "track_id", "user_id", "outcome", "ms_played");

    private final GenericDatumReader<GenericRecord> reader;
    private GenericRecord datum;
    private BinaryDecoder decoder;

    EventReader(Schema written) {
        var fields = FIELDS.stream().map(written::getField).map(one -> new Schema.Field(one, asString(one))).toList();
        var read = Schema.createRecord(written.getName(), null, written.getNamespace(), false, fields);
        reader = new GenericDatumReader<>(written, read);
    }

    Event event(byte[] message) throws IOException {
        int header = SingleObject.HEADER_BYTES;
        decoder = DecoderFactory.get().binaryDecoder(message, header, message.length - header, decoder);
        datum = reader.read(datum, decoder);
        String country = (String) datum.get(1), track = (String) datum.get(2), outcome = (String) datum.get(4);
        var key = new CellKey((long) datum.get(0) / 60_000_000, country == null ? "ZZ" : country, track);
        boolean isPlay = (long) datum.get(5) >= 30_000;
        return new Event(key, (String) datum.get(3), isPlay, outcome == null ? !isPlay : outcome.equals("skip"));
    }

    /** The field's schema, of which texts become Java's and not Avro's. */
    private static Schema asString(Schema.Field field) {
        var schema = new Schema.Parser().parse(field.schema().toString());
        for (Schema one : schema.isUnion() ? schema.getTypes() : List.of(schema)) {
            if (one.getType() == Schema.Type.STRING) {
                GenericData.setStringType(one, GenericData.StringType.String);
            }
        }
        return schema;
    }
}
