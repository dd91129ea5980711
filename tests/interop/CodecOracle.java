// SPDX-License-Identifier: MIT
// CodecOracle - what the JDK makes of texts and frames, for codec.c to compare
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.*;
import java.util.Arrays;
import java.util.Random;

/**
 * Writes records to standard output. Numbers are big-endian.
 *
 * <pre>
 *	'E' i32 bytes i32 bytes     a text in UTF-8, and the frame that writeUTF writes
 *	'D' i32 bytes i32 bytes     a frame, and the text that readUTF reads, as UTF-8
 *	'Z' i32                     the end, and the number of records
 * </pre>
 *
 * Lone surrogates are U+FFFD in the text. The second number is negative, and no bytes follow it, if
 * the text is not UTF-8 or readUTF throws. No bytes follow the length of a frame that is too long
 * for writeUTF.
 */
public final class CodecOracle {
    private static final int MALFORMED = -1, CUT = -2;

    private static final int HEADER_BYTES = 2;
    /** The longest greeting, in encoded bytes. */
    private static final int LIMIT = 65535;
    /** The longest input, as in codec.c. */
    private static final int INPUT_BYTES_MAX = 1 << 18;

    /** Samples have every length up to SHORT_BYTES, then every 251st, which is a prime. */
    private static final int SHORT_BYTES = 1024, LENGTH_STEP = 251;

    private static final int[] EDGES = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};

    /** The encoded length, the first and the last of each kind of code point. */
    private static final int[][] RANGES = {{1, 0x01, 0x7F}, {2, 0x00, 0x00}, {2, 0x80, 0x7FF},
        {3, 0x800, 0xD7FF}, {3, 0xE000, 0xFFFF}, {6, 0x10000, 0x10FFFF}};

    private final OutputStream stdout = new FileOutputStream(FileDescriptor.out);
    private final ByteBuffer records = ByteBuffer.allocate(4 * INPUT_BYTES_MAX);
    private int recordCount;

    private final Random random;
    private final ByteArrayOutputStream sink = new ByteArrayOutputStream();
    private final DataOutputStream writer = new DataOutputStream(sink);
    private final CharsetDecoder fromUtf8 = StandardCharsets.UTF_8.newDecoder();
    private final CharsetEncoder toUtf8 =
        StandardCharsets.UTF_8.newEncoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .replaceWith(new byte[] {(byte)0xEF, (byte)0xBF, (byte)0xBD});

    private CodecOracle(long seed) {
        random = new Random(seed);
    }

    private void begin(char operation, byte[] input) throws IOException {
        if (records.remaining() < input.length + LIMIT + 64)
            flush();
        records.put((byte)operation).putInt(input.length).put(input);
        recordCount++;
    }

    private void flush() throws IOException {
        stdout.write(records.array(), 0, records.position());
        records.clear();
    }

    private void encode(byte[] text) throws IOException {
        String string = "";

        begin('E', text);
        try {
            string = fromUtf8.decode(ByteBuffer.wrap(text)).toString();
            byte[] frame = written(string);
            records.putInt(frame.length).put(frame);
        } catch (CharacterCodingException e) {
            records.putInt(MALFORMED);
        } catch (UTFDataFormatException e) {
            records.putInt(HEADER_BYTES + encodedLength(string));
        }
    }

    private void decode(byte[] frame) throws IOException {
        begin('D', frame);
        try {
            String string = new DataInputStream(new ByteArrayInputStream(frame)).readUTF();
            ByteBuffer text = toUtf8.encode(CharBuffer.wrap(string));
            records.putInt(text.remaining()).put(text);
        } catch (EOFException e) {
            records.putInt(CUT);
        } catch (UTFDataFormatException e) {
            records.putInt(MALFORMED);
        }
    }

    /** Encodes the bytes as a text, and decodes them as a greeting. */
    private void both(int... bytes) throws IOException {
        byte[] frame = new byte[HEADER_BYTES + bytes.length];

        putLength(frame, bytes.length);
        for (int i = 0; i < bytes.length; i++)
            frame[HEADER_BYTES + i] = (byte)bytes[i];
        decode(frame);
        encode(Arrays.copyOfRange(frame, HEADER_BYTES, frame.length));
    }

    private byte[] written(String string) throws IOException {
        sink.reset();
        writer.writeUTF(string);
        return sink.toByteArray();
    }

    /** Returns the encoded length of a string of any length. */
    private int encodedLength(String string) throws IOException {
        int total = 0;

        for (int i = 0, end; i < string.length(); i = end) {
            end = Math.min(i + LIMIT / 3, string.length());
            total += written(string.substring(i, end)).length - HEADER_BYTES;
        }
        return total;
    }

    private static void putLength(byte[] frame, int length) {
        frame[0] = (byte)(length >> 8);
        frame[1] = (byte)length;
    }

    /** Surrogates are decoded as the JDK writes them, and refused as texts. */
    private void everyCodePoint() throws IOException {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            String string = Character.toString(c);
            byte[] frame = written(string);

            decode(frame);
            if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)
                encode(Arrays.copyOfRange(frame, HEADER_BYTES, frame.length));
            else
                encode(string.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Every sequence of one, two and three bytes. */
    private void everyGroup() throws IOException {
        for (int i = 0; i < 1 << 8; i++)
            both(i);
        for (int i = 0; i < 1 << 16; i++)
            both(i >> 8, i);
        for (int i = 0; i < 1 << 24; i++)
            both(i >> 16, i >> 8, i);
    }

    /** Four-byte forms: overlong, valid, above U+10FFFF. */
    private void fourByteForms() throws IOException {
        for (int lead = 0xF0; lead <= 0xFF; lead++)
            for (int second = 0; second <= 0xFF; second++)
                for (int third : EDGES)
                    for (int fourth : EDGES)
                        both(lead, second, third, fourth);
    }

    /** Surrogates before and after every unit. */
    private void surrogateNeighbours() throws IOException {
        for (char surrogate : new char[] {0xD800, 0xDBFF, 0xDC00, 0xDFFF}) {
            for (int unit = 0; unit <= Character.MAX_VALUE; unit++) {
                decode(written("" + surrogate + (char)unit));
                decode(written("" + (char)unit + surrogate + "x"));
            }
        }
    }

    private int between(int first, int last) {
        return first + random.nextInt(last - first + 1);
    }

    /** Returns a text that encodes to `length` bytes. */
    private String randomText(int length) {
        StringBuilder text = new StringBuilder();

        while (length > 0) {
            int[] range = RANGES[random.nextInt(RANGES.length)];

            if (range[0] <= length) {
                text.appendCodePoint(between(range[1], range[2]));
                length -= range[0];
            }
        }
        return text.toString();
    }

    /** Returns a frame that readUTF accepts: overlong groups, surrogates, zero bytes. */
    private byte[] looseFrame(int length) {
        byte[] frame = new byte[HEADER_BYTES + length];

        putLength(frame, length);
        for (int at = HEADER_BYTES, width; at < frame.length; at += width) {
            width = Math.min(between(1, 3), frame.length - at);
            if (width == 1)
                frame[at] = (byte)between(0, 0x7F);
            else if (width == 2)
                frame[at] = (byte)between(0xC0, 0xDF);
            else
                frame[at] = (byte)(random.nextBoolean() ? 0xED : between(0xE0, 0xEF));
            for (int i = 1; i < width; i++)
                frame[at + i] = (byte)between(0x80, 0xBF);
        }
        return frame;
    }

    /** Returns a copy with one random byte, not before `from`. */
    private byte[] damaged(byte[] bytes, int from) {
        byte[] copy = bytes.clone();

        if (copy.length > from)
            copy[between(from, copy.length - 1)] = (byte)between(0, 0xFF);
        return copy;
    }

    /** A random text that encodes to `length` bytes, and frames of that length. */
    private void sample(int length) throws IOException {
        String string = randomText(length);
        byte[] text = string.getBytes(StandardCharsets.UTF_8);

        encode(text);
        encode(damaged(text, 0));
        encode(Arrays.copyOf(text, Math.max(text.length - 1, 0)));
        if (length > LIMIT)
            return;

        byte[] frame = written(string);
        decode(frame);
        decode(damaged(frame, HEADER_BYTES));
        decode(Arrays.copyOf(frame, between(0, frame.length - 1)));
        decode(looseFrame(length));
        decode(damaged(looseFrame(length), HEADER_BYTES));
        if (length > 0) {
            putLength(frame, length - 1);
            decode(Arrays.copyOf(frame, frame.length - 1));
        }
    }

    private void samples() throws IOException {
        for (int i = 0; i < 20000; i++)
            sample(between(0, 15));
        for (int length = 0; length < SHORT_BYTES; length++)
            sample(length);
        int first = SHORT_BYTES + between(0, LENGTH_STEP - 1);
        for (int length = first; length <= LIMIT; length += LENGTH_STEP)
            sample(length);
    }

    /** Lengths around the limit, with each kind of character at the end; lengths that wrap. */
    private void extremes() throws IOException {
        for (int length = LIMIT - 8; length <= LIMIT + 8; length++) {
            for (int i = 0; i < 4; i++)
                sample(length);
            for (String unit : new String[] {"A", "\0", "\u00DF", "\u6F22", "\uD83D\uDC4B"}) {
                int width = encodedLength(unit), count = length / width;
                String string = "x".repeat(length % width) + unit.repeat(count);

                encode(string.getBytes(StandardCharsets.UTF_8));
                if (length <= LIMIT)
                    decode(written(string));
            }
        }
        for (int length : new int[] {65536 + 5, 131071, 131072, 131072 + 5, 200000})
            sample(length);
    }

    public static void main(String[] args) throws IOException {
        long seed = args.length > 0 ? Long.parseLong(args[0]) : 6666;
        CodecOracle oracle = new CodecOracle(seed);

        System.err.println("Java " + System.getProperty("java.version") + ", seed " + seed);
        oracle.everyCodePoint();
        oracle.everyGroup();
        oracle.fourByteForms();
        oracle.surrogateNeighbours();
        oracle.samples();
        oracle.extremes();
        oracle.records.put((byte)'Z').putInt(oracle.recordCount);
        oracle.flush();
    }
}
