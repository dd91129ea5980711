// SPDX-License-Identifier: MIT
// CodecOracle - what the JDK makes of texts and frames, for codec.c to compare
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UTFDataFormatException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Writes records to standard output: an input, and what the JDK does with it. Numbers are
 * big-endian.
 *
 * <pre>
 *	'E' or 'D'      encode: the input is a text in UTF-8; decode: it is a frame
 *	u32, bytes      the input
 *	'A' u32 bytes   accepted: the frame; or the text in UTF-8, lone surrogates as U+FFFD
 *	'M'             malformed: not UTF-8; or UTFDataFormatException from readUTF
 *	'L' u32         too long for writeUTF: the bytes that it would encode to
 *	'C'             cut: EOFException from readUTF
 *
 *	'Z' u32         the end, and how many records there were
 * </pre>
 *
 * The verdict is always the JDK's own: writeUTF and readUTF for frames, its strict UTF-8 decoder
 * for texts. Only the inputs are made here.
 */
public final class CodecOracle {
	private static final int GREETING_BYTES_MAX = 65535;
	private static final int HEADER_BYTES = 2;

	/** The longest input, as in codec.c. */
	private static final int INPUT_BYTES_MAX = 1 << 18;

	/** Every length up to here, then one in so many. A prime, so that no pattern is missed. */
	private static final int SHORT_LENGTHS = 1024;
	private static final int LENGTH_STEP = 251;

	private static final int[] EDGES = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};

	/** Bytes to read, over and over. */
	private static final class Feed extends ByteArrayInputStream {
		Feed() {
			super(new byte[0]);
		}

		void set(byte[] bytes, int length) {
			buf = bytes;
			pos = 0;
			count = length;
		}
	}

	/** Bytes that were written, without a copy. */
	private static final class Sink extends ByteArrayOutputStream {
		byte[] bytes() {
			return buf;
		}
	}

	private final OutputStream stdout = new FileOutputStream(FileDescriptor.out);
	private final ByteBuffer records = ByteBuffer.allocate(4 * INPUT_BYTES_MAX);
	private int recordCount;

	private final Random random;
	private final Feed feed = new Feed();
	private final Sink sink = new Sink();
	private final DataInputStream reader = new DataInputStream(feed);
	private final DataOutputStream writer = new DataOutputStream(sink);
	private final CharBuffer chars = CharBuffer.allocate(INPUT_BYTES_MAX);
	private final ByteBuffer utf8 = ByteBuffer.allocate(INPUT_BYTES_MAX);
	private final CharsetDecoder fromUtf8 = StandardCharsets.UTF_8.newDecoder();
	private final CharsetEncoder toUtf8 =
		StandardCharsets.UTF_8.newEncoder()
			.onMalformedInput(CodingErrorAction.REPLACE)
			.replaceWith(new byte[] {(byte)0xEF, (byte)0xBF, (byte)0xBD});

	private CodecOracle(long seed) {
		random = new Random(seed);
	}

	// Records ---------------------------------------------------------------------------

	private void begin(char operation, byte[] input, int length) throws IOException {
		if (records.remaining() < length + GREETING_BYTES_MAX + 64)
			flush();
		records.put((byte)operation).putInt(length).put(input, 0, length);
		recordCount++;
	}

	private void flush() throws IOException {
		stdout.write(records.array(), 0, records.position());
		records.clear();
	}

	private void end() throws IOException {
		records.put((byte)'Z').putInt(recordCount);
		flush();
	}

	private void verdict(char verdict) {
		records.put((byte)verdict);
	}

	private void accepted(byte[] output, int length) {
		records.put((byte)'A').putInt(length).put(output, 0, length);
	}

	/** What writeUTF makes of a text. */
	private void encode(byte[] text, int length) throws IOException {
		begin('E', text, length);
		chars.clear();
		fromUtf8.reset();
		if (fromUtf8.decode(ByteBuffer.wrap(text, 0, length), chars, true).isError()) {
			verdict('M');
			return;
		}
		fromUtf8.flush(chars);
		String string = chars.flip().toString();
		try {
			write(string);
			accepted(sink.bytes(), sink.size());
		} catch (UTFDataFormatException tooLong) {
			verdict('L');
			records.putInt(encodedLength(string));
		}
	}

	private void encode(byte[] text) throws IOException {
		encode(text, text.length);
	}

	/** What readUTF makes of a frame. */
	private void decode(byte[] frame, int length) throws IOException {
		String string;

		begin('D', frame, length);
		feed.set(frame, length);
		try {
			string = reader.readUTF();
		} catch (EOFException cut) {
			verdict('C');
			return;
		} catch (UTFDataFormatException malformed) {
			verdict('M');
			return;
		}
		utf8.clear();
		toUtf8.reset();
		toUtf8.encode(CharBuffer.wrap(string), utf8, true);
		toUtf8.flush(utf8);
		accepted(utf8.array(), utf8.position());
	}

	private void decode(byte[] frame) throws IOException {
		decode(frame, frame.length);
	}

	/** Leaves the frame in the sink. */
	private void write(String string) throws IOException {
		sink.reset();
		writer.writeUTF(string);
	}

	private byte[] written(String string) throws IOException {
		write(string);
		return sink.toByteArray();
	}

	/** However long it is: writeUTF is asked piece by piece. */
	private int encodedLength(String string) throws IOException {
		int piece = GREETING_BYTES_MAX / 3, total = 0;

		for (int i = 0; i < string.length(); i += piece) {
			write(string.substring(i, Math.min(i + piece, string.length())));
			total += sink.size() - HEADER_BYTES;
		}
		return total;
	}

	private static void putLength(byte[] frame, int length) {
		frame[0] = (byte)(length >> 8);
		frame[1] = (byte)length;
	}

	// All there is ----------------------------------------------------------------------

	/** Every code point both ways. The JDK writes surrogates, but no text may hold them. */
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

	/** Every sequence of one, two and three bytes, in a frame and as a text. */
	private void everyGroup() throws IOException {
		for (int length = 1; length <= 3; length++) {
			byte[] frame = new byte[HEADER_BYTES + length];
			byte[] text = new byte[length];

			putLength(frame, length);
			for (int group = 0; group < 1 << 8 * length; group++) {
				for (int i = 0; i < length; i++)
					text[i] = (byte)(group >> 8 * (length - 1 - i));
				System.arraycopy(text, 0, frame, HEADER_BYTES, length);
				decode(frame);
				encode(text);
			}
		}
	}

	/** Four-byte forms, for the strictness about texts: overlong, in range, past U+10FFFF. */
	private void fourByteForms() throws IOException {
		byte[] text = new byte[4];
		byte[] frame = {0, 4, 0, 0, 0, 0};

		for (int lead = 0xF0; lead <= 0xFF; lead++) {
			for (int second = 0; second <= 0xFF; second++) {
				for (int third : EDGES) {
					for (int fourth : EDGES) {
						text[0] = (byte)lead;
						text[1] = (byte)second;
						text[2] = (byte)third;
						text[3] = (byte)fourth;
						encode(text);
						System.arraycopy(text, 0, frame, HEADER_BYTES, 4);
						decode(frame);
					}
				}
			}
		}
	}

	/** Surrogates before and after every unit: which pair up, and which stay alone. */
	private void surrogateNeighbours() throws IOException {
		for (char surrogate : new char[] {0xD800, 0xDBFF, 0xDC00, 0xDFFF}) {
			for (int unit = 0; unit <= Character.MAX_VALUE; unit++) {
				decode(written("" + surrogate + (char)unit));
				decode(written("" + (char)unit + surrogate + "x"));
			}
		}
	}

	// Samples ---------------------------------------------------------------------------

	/** A text that encodes to so many bytes. */
	private String randomText(int length) {
		StringBuilder text = new StringBuilder();

		while (length > 0) {
			int width = new int[] {1, 2, 3, 6}[random.nextInt(4)];

			if (width > length)
				continue;
			length -= width;
			if (width == 1)
				text.append((char)(1 + random.nextInt(0x7F)));
			else if (width == 2 && random.nextInt(8) == 0)
				text.append('\0');
			else if (width == 2)
				text.append((char)(0x80 + random.nextInt(0x780)));
			else if (width == 3 && random.nextBoolean())
				text.append((char)(0xE000 + random.nextInt(0x2000)));
			else if (width == 3)
				text.append((char)(0x800 + random.nextInt(0xD000)));
			else
				text.appendCodePoint(0x10000 + random.nextInt(0x100000));
		}
		return text.toString();
	}

	/** A frame that readUTF accepts and writeUTF would not write: overlong, lone, raw zero. */
	private byte[] looseFrame(int length) {
		byte[] frame = new byte[HEADER_BYTES + length];
		int at = HEADER_BYTES;

		putLength(frame, length);
		while (at < frame.length) {
			int width = Math.min(1 + random.nextInt(3), frame.length - at);

			if (width == 1)
				frame[at] = (byte)random.nextInt(0x80);
			else if (width == 2)
				frame[at] = (byte)(0xC0 + random.nextInt(0x20));
			else
				frame[at] = (byte)(random.nextBoolean() ? 0xED : 0xE0 + random.nextInt(0x10));
			for (int i = 1; i < width; i++)
				frame[at + i] = (byte)(0x80 + random.nextInt(0x40));
			at += width;
		}
		return frame;
	}

	private byte[] damaged(byte[] bytes, int from) {
		byte[] copy = bytes.clone();

		if (copy.length > from)
			copy[from + random.nextInt(copy.length - from)] = (byte)random.nextInt(0x100);
		return copy;
	}

	private void sample(int length) throws IOException {
		String string = randomText(length);
		byte[] text = string.getBytes(StandardCharsets.UTF_8);
		byte[] frame = length <= GREETING_BYTES_MAX ? written(string) : null;

		encode(text);
		encode(damaged(text, 0));
		encode(text, Math.max(text.length - 1, 0));
		if (frame == null)
			return;

		decode(frame);
		decode(damaged(frame, HEADER_BYTES));
		decode(frame, random.nextInt(frame.length));
		decode(looseFrame(length));
		decode(damaged(looseFrame(length), HEADER_BYTES));
		if (length > 0) {
			putLength(frame, length - 1);
			decode(frame, frame.length - 1);
		}
	}

	private void samples() throws IOException {
		for (int i = 0; i < 20000; i++)
			sample(random.nextInt(16));
		for (int length = 0; length < SHORT_LENGTHS; length++)
			sample(length);
		for (int length = SHORT_LENGTHS + random.nextInt(LENGTH_STEP); length <= GREETING_BYTES_MAX;
		     length += LENGTH_STEP)
			sample(length);
	}

	/** Around the limit, with whatever crosses it; and where 16 bits of length wrap. */
	private void extremes() throws IOException {
		for (int length = GREETING_BYTES_MAX - 8; length <= GREETING_BYTES_MAX + 8; length++) {
			for (int i = 0; i < 4; i++)
				sample(length);
			for (String unit : new String[] {"A", "\0", "\u00DF", "\u6F22", "\uD83D\uDC4B"}) {
				int width = encodedLength(unit);
				String string = "x".repeat(length % width) + unit.repeat(length / width);

				encode(string.getBytes(StandardCharsets.UTF_8));
				if (length <= GREETING_BYTES_MAX)
					decode(written(string));
			}
		}
		for (int length : new int[] {65536 + 5, 2 * 65536 - 1, 2 * 65536, 2 * 65536 + 5, 200000})
			sample(length);
	}

	public static void main(String[] args) {
		long seed = args.length > 0 ? Long.parseLong(args[0]) : 6666;
		CodecOracle oracle = new CodecOracle(seed);

		System.err.println("CodecOracle: Java " + System.getProperty("java.version") + ", seed " + seed);
		try {
			oracle.everyCodePoint();
			oracle.everyGroup();
			oracle.fourByteForms();
			oracle.surrogateNeighbours();
			oracle.samples();
			oracle.extremes();
			oracle.end();
		} catch (IOException e) {
			// The reader has gone, and said why.
			System.err.println("CodecOracle: " + e.getMessage());
			System.exit(1);
		}
	}
}
