import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.types.Row;

/** Upserts of cells, the last of each among 20,000, in unlogged batches of one partition, 64 of them on their way. */
final class CassandraCells implements SinkWriter<Row> {
    private static final int GATHERED = 20_000;
    private static final int BATCH_ROWS = 50;
    private static final int ON_THE_WAY = 64;

    private final CqlSession session;
    private final PreparedStatement insert;
    private final Map<List<Object>, Row> cells = new HashMap<>();
    private final ArrayDeque<CompletionStage<AsyncResultSet>> waiting = new ArrayDeque<>();

    /** `where` is host:port/keyspace. */
    CassandraCells(String where) {
        String[] address = where.split("[:/]");
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress(address[0], Integer.parseInt(address[1])))
                .withLocalDatacenter("datacenter1")
                .withKeyspace(address[2])
                .withConfigLoader(DriverConfigLoader.programmaticBuilder()
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(60))
                        .build())
                .build();
        insert = session.prepare("INSERT INTO live_minute_track_plays (window_start, country, track_id, play_count,"
                + " skip_count, listener_count) VALUES (?, ?, ?, ?, ?, ?)");
    }

    @Override
    public void write(Row cell, Context context) {
        cells.put(List.of(cell.getField(0), cell.getField(1), cell.getField(2)), cell);
        if (cells.size() == GATHERED) {
            flush(false);
        }
    }

    @Override
    public void flush(boolean isEnd) {
        Map<List<Object>, List<Row>> partitions = new HashMap<>();
        for (Row cell : cells.values()) {
            partitions.computeIfAbsent(List.of(cell.getField(0), cell.getField(1)), key -> new ArrayList<>()).add(cell);
        }
        for (List<Row> rows : partitions.values()) {
            for (int start = 0; start < rows.size(); start += BATCH_ROWS) {
                send(rows.subList(start, Math.min(rows.size(), start + BATCH_ROWS)));
            }
        }
        waiting.forEach(one -> one.toCompletableFuture().join());
        waiting.clear();
        cells.clear();
    }

    private void send(List<Row> rows) {
        BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.UNLOGGED);
        for (Row row : rows) {
            Instant start = Instant.ofEpochSecond(60 * (long) row.getField(0));
            batch.addStatement(insert.bind(start, row.getField(1), row.getField(2), row.getField(3), row.getField(4),
                    row.getField(5)));
        }
        if (waiting.size() == ON_THE_WAY) {
            waiting.remove().toCompletableFuture().join();
        }
        waiting.add(session.executeAsync(batch.build()));
    }

    @Override
    public void close() {
        session.close();
    }
}
