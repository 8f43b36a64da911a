// Old kernels: checks of files as handles, the streaming writer, pipes, FIFOs, copies and registered buffers. What the runner adds
// stands in LoopChecks.cs.

using System.Runtime.InteropServices;
using RingCore;

namespace KernelCheck;

internal static class FileChecks
{
    private static readonly byte[] s_content = LoopChecks.Content(300_000);

    internal static IEnumerable<Check> All =>
    [
        new("file: append, lists, sizes, status", FileOperations),
        new("file: read ahead, and the streaming writer", ReadAheadAndWriter),
        new("path ops", PathOps),
        new("pipe: whole writes and exact reads", Pipes),
        new("a FIFO, opened from both sides", Fifo),
        new("copies between file, pipe and socket", Copies),
        new("registered buffers", FixedBuffers),
    ];

    private static string Scratch(string name) => Path.Combine(Machine.Scratch, name);

    private static async RingTask FileOperations()
    {
        string path = Scratch("operations");
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Append, FileAccess.Write))
        {
            await file.AppendAsync(s_content.AsMemory(0, 1000));
            await file.AppendAsync([s_content.AsMemory(1000, 1000), s_content.AsMemory(2000, 3000)]);
        }

        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite))
        {
            byte[] first = new byte[1000], second = new byte[4000];
            Expect.Equal(5000, await file.ReadAsync([first, second], 0), "vectored read");
            Expect.That(first.AsSpan().SequenceEqual(s_content.AsSpan(0, 1000)) && second.AsSpan().SequenceEqual(s_content.AsSpan(1000, 4000)), "same bytes");
            await file.SetLengthAsync(3000); // An op since 6.9, a call before.
            Expect.Equal(3000, (await file.GetStatusAsync()).Length, "length");
            await file.AllocateAsync(0, 8192);
            Expect.Equal(8192, (await file.GetStatusAsync()).Length, "allocated");
            await file.FlushToDiskAsync(dataOnly: true);
            await Expect.Throws<EndOfStreamException>(() => file.ReadExactlyAsync(second, 8000));
        }

        File.Delete(path);
    }

    private static async RingTask ReadAheadAndWriter()
    {
        string path = Scratch("written");
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite))
        {
            await using (RingFileWriter writer = file.CreateWriter(bufferSize: 4096))
            {
                for (int i = 0; i < s_content.Length; i += 1000)
                    await writer.WriteAsync(s_content.AsMemory(i, 1000));
            }

            int have = 0;
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
            {
                Expect.That(chunk.Span.SequenceEqual(s_content.AsSpan(have, chunk.Length)), $"same bytes at {have}");
                have += chunk.Length;
            }

            Expect.Equal(s_content.Length, have, "bytes");
        }

        File.Delete(path);
    }

    private static async RingTask PathOps()
    {
        if (!RingExecutor.Current!.Ring.Supports(RingCore.Sys.io_uring_op.IORING_OP_MKDIRAT))
            return; // Rename and unlink are 5.11, the others 5.15.
        string folder = Scratch("folder"), other = Scratch("other");
        Expect.Equal(0, (await Op.Mkdir(folder)).Res, "mkdir");
        Expect.Equal(-RingCore.Sys.Errno.EEXIST, (await Op.Mkdir(folder)).Res, "mkdir again");
        Expect.Equal(0, (await Op.Rename(folder, other)).Res, "rename");
        Expect.Equal(0, (await Op.Unlink(other, flags: 0x200 /* AT_REMOVEDIR */)).Res, "rmdir");
    }

    private static async RingTask Pipes()
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        await using (reader)
        {
            ValueTask writing = writer.WriteAsync(s_content);
            byte[] read = new byte[s_content.Length];
            await reader.ReadExactlyAsync(read);
            await writing;
            Expect.That(read.AsSpan().SequenceEqual(s_content), "same bytes");
            await writer.DisposeAsync();
            Expect.Equal(0, await reader.ReadAsync(read), "the end");
        }
    }

    private static async RingTask Fifo()
    {
        string path = Scratch("fifo");
        Expect.Equal(0, mkfifo(path, 0x1B6), "mkfifo");
        ValueTask<RingPipe> opening = RingPipe.OpenAsync(path, FileAccess.Read); // Waits for the other side.
        await using RingPipe writer = await RingPipe.OpenAsync(path, FileAccess.Write);
        await using RingPipe reader = await opening;
        await writer.WriteAsync(new byte[] { 1, 2, 3 });
        byte[] read = new byte[3];
        await reader.ReadExactlyAsync(read);
        Expect.Equal(3, read[2], "byte");
        File.Delete(path);
    }

    private static async RingTask Copies()
    {
        string path = Scratch("from"), other = Scratch("to");
        await File.WriteAllBytesAsync(path, s_content);
        await using (RingFile from = await RingFile.OpenAsync(path))
        {
            await using (RingFile to = await RingFile.OpenAsync(other, FileMode.Create, FileAccess.ReadWrite))
                Expect.Equal(s_content.Length, await from.CopyToAsync(to), "file to file");
            Expect.That(File.ReadAllBytes(other).AsSpan().SequenceEqual(s_content), "same bytes in the file");

            (RingConnection left, RingConnection right) = RingConnection.CreatePair();
            (RingPipe reader, RingPipe writer) = RingPipe.Create();
            RingTask first = Through(from, left);
            RingTask second = Through(right, writer);
            byte[] read = new byte[s_content.Length];
            await reader.ReadExactlyAsync(read);
            await first;
            await second;
            Expect.That(read.AsSpan().SequenceEqual(s_content), "same bytes through socket and pipe");
            await reader.DisposeAsync();
        }

        File.Delete(path);
        File.Delete(other);

        static async RingTask Through(RingHandle source, RingHandle target)
        {
            Expect.Equal(s_content.Length, await source.CopyToAsync(target), "copied");
            await target.DisposeAsync();
            if (source is RingConnection)
                await source.DisposeAsync();
        }
    }

    private static async RingTask FixedBuffers()
    {
        if ((RingExecutor.Current!.Ring.KernelFeatures & RingCore.Sys.Features.IORING_FEAT_RSRC_TAGS) == 0)
        {
            await Expect.Throws<InvalidOperationException>(() => RingBuffers.Register(count: 2, size: 8192).DisposeAsync());
            return;
        }

        string path = Scratch("fixed");
        await File.WriteAllBytesAsync(path, s_content);
        await using (RingBuffers buffers = RingBuffers.Register(count: 2, size: 8192))
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite))
        {
            Expect.Equal(8192, (await Op.ReadFixed(file, buffers[1], length: 8192, offset: 4096)).Res, "read fixed");
            Expect.That(buffers[1].Memory.Span.SequenceEqual(s_content.AsSpan(4096, 8192)), "same bytes");
            Expect.Equal(100, (await Op.WriteFixed(file, buffers[1], length: 100, offset: 0)).Res, "write fixed");
        }

        File.Delete(path);
    }

    [DllImport("libc")]
    private static extern int mkfifo([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
