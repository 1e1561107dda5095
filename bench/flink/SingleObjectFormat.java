import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.formats.avro.AvroFormatOptions.AvroEncoding;
import org.apache.flink.formats.avro.AvroRowDataDeserializationSchema;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/** The format `single-object`: Flink's own `avro`, behind the ten bytes of Avro's single-object encoding. */
public final class SingleObjectFormat implements DeserializationFormatFactory {
    @Override
    public String factoryIdentifier() {
        return "single-object";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context source, DataType type) {
                TypeInformation<RowData> produced = source.createTypeInformation(type);
                return new BehindHeader(new AvroRowDataDeserializationSchema(
                        (RowType) type.getLogicalType(), produced, AvroEncoding.BINARY, false));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    private record BehindHeader(AvroRowDataDeserializationSchema datum) implements DeserializationSchema<RowData> {
        @Override
        public void open(InitializationContext context) throws Exception {
            datum.open(context);
        }

        @Override
        public RowData deserialize(byte[] message) throws IOException {
            return datum.deserialize(Arrays.copyOfRange(message, SingleObject.HEADER_BYTES, message.length));
        }

        @Override
        public boolean isEndOfStream(RowData next) {
            return false;
        }

        @Override
        public TypeInformation<RowData> getProducedType() {
            return datum.getProducedType();
        }
    }
}
