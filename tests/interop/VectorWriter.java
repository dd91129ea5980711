// SPDX-License-Identifier: MIT
// VectorWriter - writes examples/frame-vectors: frames, and what the JDK makes of them
import java.io.*;
import java.util.Arrays;

/** Writes to standard output. The head of the output describes it. */
public final class VectorWriter {
    private static final String[] HEAD = {
        "# SPDX-" + "License-Identifier: MIT", // in parts, or reuse takes this line for a license
        "#",
        "# Frames, and what Java's DataOutputStream.writeUTF and DataInputStream.readUTF make of them:",
        "# see \"Test vectors\" in hello-frame(5). Three columns, with tabs between them:",
        "#",
        "# Verdict    both       writeUTF writes the text as these bytes, and readUTF reads them as it",
        "#            read       readUTF reads them as the text, but writeUTF writes it otherwise",
        "#            rest       the same, and readUTF leaves the last bytes, which are not the frame's",
        "#            malformed  readUTF throws a UTFDataFormatException",
        "#            cut        readUTF throws an EOFException",
        "#            too-long   writeUTF throws a UTFDataFormatException",
        "# Bytes      in hexadecimal",
        "# Text       its UTF-16 units in hexadecimal",
        "#",
        "# X*N stands for N times X, and (X Y Z)*N for N times X Y Z. \"-\" stands for what there is not,",
        "# and \"empty\" for nothing at all.",
    };

    private static final int LIMIT = 65535;

    private final ByteArrayOutputStream sink = new ByteArrayOutputStream();
    private final DataOutputStream writer = new DataOutputStream(sink);
    private final PrintStream out =
        new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));

    private void section(String title) {
        out.print("\n# " + title + "\n");
    }

    private byte[] written(String text) throws IOException {
        sink.reset();
        writer.writeUTF(text);
        return sink.toByteArray();
    }

    /** Formats values with repetitions of up to six of them, if that is shorter. */
    private static String format(int[] values, String digits) {
        StringBuilder text = new StringBuilder();

        for (int at = 0; at < values.length;) {
            int length = 1, best = 1;

            for (int n = 1; n <= 6; n++) {
                int times = 1;

                while (at + (times + 1) * n <= values.length
                    && Arrays.equals(values, at, at + n, values, at + times * n, at + (times + 1) * n))
                    times++;
                if (times > 3 && times * n > length * best) {
                    length = n;
                    best = times;
                }
            }
            text.append(text.length() > 0 ? " " : "").append(length > 1 ? "(" : "");
            for (int i = 0; i < length; i++)
                text.append(i > 0 ? " " : "").append(String.format(digits, values[at + i]));
            text.append(length > 1 ? ")" : "").append(best > 1 ? "*" + best : "");
            at += length * best;
        }
        return text.length() > 0 ? text.toString() : "empty";
    }

    private void line(String verdict, byte[] bytes, String text) {
        int[] values = bytes == null ? null : new int[bytes.length];

        for (int i = 0; bytes != null && i < bytes.length; i++)
            values[i] = bytes[i] & 0xFF;
        out.print(verdict + "\t" + (values == null ? "-" : format(values, "%02X")) + "\t"
            + (text == null ? "-" : format(text.chars().toArray(), "%04X")) + "\n");
    }

    /** A line for any bytes: what the JDK says. */
    private void read(byte... bytes) throws IOException {
        ByteArrayInputStream stream = new ByteArrayInputStream(bytes);

        try {
            String text = new DataInputStream(stream).readUTF();

            line(stream.available() > 0                ? "rest"
                    : Arrays.equals(written(text), bytes) ? "both"
                                                          : "read",
                bytes, text);
        } catch (EOFException e) {
            line("cut", bytes, null);
        } catch (UTFDataFormatException e) {
            line("malformed", bytes, null);
        }
    }

    /** A line for a greeting, as a whole frame. */
    private void greeting(int... bytes) throws IOException {
        byte[] frame = new byte[2 + bytes.length];

        frame[0] = (byte)(bytes.length >> 8);
        frame[1] = (byte)bytes.length;
        for (int i = 0; i < bytes.length; i++)
            frame[2 + i] = (byte)bytes[i];
        read(frame);
    }

    private void write(String text) throws IOException {
        try {
            read(written(text));
        } catch (UTFDataFormatException e) {
            line("too-long", null, text);
        }
    }

    private void texts() throws IOException {
        section("Texts");
        for (String text : new String[] {"HELLO", "", "Gr\u00FC\u00DFe", "\u4F60\u597D",
                 "HELLO \uD83D\uDC4B", "one\0two", "e\u0301", "\u05E9\u05DC\u05D5\u05DD", "\uFEFFHELLO",
                 "\u001B[2J", "line\nline\r\n"})
            write(text);
        section("The first and the last of each form, and their neighbours");
        for (int c : new int[] {0, 1, 0x7E, 0x7F, 0x80, 0x81, 0xFF, 0x100, 0x7FE, 0x7FF, 0x800, 0x801,
                 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFDD0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x103FF,
                 0x10400, 0x1F600, 0xFFFFF, 0x100000, 0x10FC00, 0x10FFFE, 0x10FFFF})
            write(Character.toString(c));
    }

    private void groups() throws IOException {
        int[] seconds = {0x00, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};

        section("Every byte alone");
        for (int first = 0; first <= 0xFF; first++)
            greeting(first);
        section("Every first byte that is not ASCII, with one, two and three bytes that may follow");
        for (int first = 0x80; first <= 0xFF; first++)
            greeting(first, 0x80);
        for (int first = 0xC0; first <= 0xFF; first++)
            greeting(first, 0xBF, 0x80);
        for (int first = 0xE0; first <= 0xFF; first++)
            greeting(first, 0xA0, 0x80, 0xBF);
        section("Bytes that may follow, and those that may not");
        for (int second : seconds)
            for (int first : new int[] {0xC0, 0xC1, 0xC2, 0xDF})
                greeting(first, second);
        for (int second : seconds)
            for (int first : new int[] {0xE0, 0xE1, 0xED, 0xEF}) {
                greeting(first, second, 0x80);
                greeting(first, 0xA0, second);
            }
        section("Longer forms than necessary, and zero bytes");
        greeting(0xC0, 0xAF);
        greeting(0xC1, 0x81);
        greeting(0xE0, 0x80, 0x80);
        greeting(0xE0, 0x80, 0xAF);
        greeting(0xE0, 0x81, 0xBF);
        greeting(0xE0, 0x82, 0x80);
        greeting(0xE0, 0x9F, 0xBF);
        greeting(0x41, 0x00, 0x42);
        greeting(0x00, 0x00, 0xC0, 0x80);
        section("Characters of four bytes, as in UTF-8");
        greeting(0xF0, 0x80, 0x80, 0x80);
        greeting(0xF0, 0x90, 0x80, 0x80);
        greeting(0xF0, 0x9F, 0x98, 0x80);
        greeting(0xF4, 0x8F, 0xBF, 0xBF);
        greeting(0xF4, 0x90, 0x80, 0x80);
        greeting(0x41, 0xF0, 0x9F, 0x98, 0x80);
    }

    private void surrogates() throws IOException {
        String[] units = {"\uD800", "\uDBFF", "\uDC00", "\uDFFF"};

        section("Surrogates: alone, in every pair, and beside other units");
        for (String unit : units)
            write(unit);
        for (String first : units)
            for (String second : units)
                write(first + second);
        for (String unit : units)
            for (String other : new String[] {"A", "\0", "\u00E9", "\uD7FF", "\uE000", "\uFFFD"}) {
                write(unit + other);
                write(other + unit);
            }
        write("\uD83D\uD83D\uDE00");
        write("\uD83D\uDE00\uDE00");
        write("\uD83D\uDE00\uD83D\uDE00");
        section("A high surrogate before a low one that is cut or wrong");
        greeting(0xED, 0xA0, 0xBD, 0xED);
        greeting(0xED, 0xA0, 0xBD, 0xED, 0xB8);
        greeting(0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x41);
        greeting(0xED, 0xA0, 0xBD, 0xF0, 0x80, 0x80);
    }

    private void ends() throws IOException {
        byte[] frame = written("A\u00E9\u20AC\uD83D\uDE00");

        section("The connection ends at each byte");
        for (int length = 0; length < frame.length; length++)
            read(Arrays.copyOf(frame, length));
        section("The length ends the greeting at each byte, and other bytes follow");
        for (int length = 0; length < frame.length - 2; length++) {
            frame[1] = (byte)length;
            read(frame);
        }
        section("The length is too long: malformed bytes do not matter then");
        frame[1] = (byte)(frame.length - 1);
        read(frame);
        read((byte)0, (byte)2, (byte)0xFF);
        read((byte)0xFF, (byte)0xFF, (byte)0x41);
        read((byte)0, (byte)1, (byte)0x41, (byte)0, (byte)1, (byte)0x42);
    }

    private void limits() throws IOException {
        section("Lengths that a reader may take for negative, or with their bytes swapped");
        for (int length : new int[] {127, 128, 255, 256, 257, 32767, 32768, 32769})
            write("A".repeat(length));
        section("The longest frames, and those that would be longer, with each form");
        for (String unit : new String[] {"A", "\0", "\u00E9", "\u20AC", "\uD83D\uDE00"}) {
            int width = written(unit).length - 2;

            for (int length = LIMIT - 1; length <= LIMIT + 1; length++)
                write("A".repeat(length % width) + unit.repeat(length / width));
            if (width == 1)
                continue;
            write("A".repeat(LIMIT - width) + unit);
            write("A".repeat(LIMIT - width + 1) + unit);
        }
        for (int length : new int[] {65540, 65541, 131071, 131072})
            write("A".repeat(length));
        section("The longest frame, cut and malformed at its last byte");
        byte[] frame = written("A".repeat(LIMIT));
        read(Arrays.copyOf(frame, frame.length - 1));
        frame[frame.length - 1] = (byte)0xC3;
        read(frame);
    }

    public static void main(String[] args) throws IOException {
        VectorWriter vectors = new VectorWriter();

        vectors.out.print(String.join("\n", HEAD) + "\n");
        vectors.texts();
        vectors.groups();
        vectors.surrogates();
        vectors.ends();
        vectors.limits();
        vectors.out.flush();
    }
}
