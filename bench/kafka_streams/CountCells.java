import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/** Counts a task's messages, and writes the cells that they changed: 20,000 of them, or those of two seconds. */
final class CountCells implements Processor<byte[], byte[], Void, Void> {
    private static final int GATHERED = 20_000;

    private final EventReader reader;
    private final CellCounts counts;
    private final List<CellCount> waiting = new ArrayList<>();

    CountCells(Schema written, CellCounts counts) {
        reader = new EventReader(written);
        this.counts = counts;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        context.schedule(KafkaStreamsSide.WRITTEN_EVERY, PunctuationType.WALL_CLOCK_TIME, time -> write());
    }

    @Override
    public void process(Record<byte[], byte[]> message) {
        try {
            counts.add(reader.event(message.value()), waiting);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        if (waiting.size() >= GATHERED) {
            write();
        }
    }

    @Override
    public void close() {
        write();
    }

    private void write() {
        try {
            counts.write(waiting);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
