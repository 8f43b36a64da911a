// Tests: every public entry that is not documented for any thread refuses another thread with a sentence that says what to do. The
// entries are found by reflection, so that a new one is asked, too; those that need no owner are listed, each group with its reason.

using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace RingCore.Tests.Executor;

public sealed partial class OwnerThreadTests
{
    /// <summary>Types whose members are not asked, by what they are.</summary>
    private static readonly Dictionary<string, string> s_types = new()
    {
        ["data: a value or an option, no ring behind it"] = "OpId|OpResult|OpInfo|LeaseInfo|TraceEvent|RingCounters|ChainResult|RingFileStatus"
            + "|RingOptions|RingCapabilities|RingFileOptions|RingCopyException|RingUnavailableException|UnobservedFaultEventArgs",
        ["called by the compiler, in the method that it builds"] = "RingTaskMethodBuilder|RingTaskMethodBuilder`1",
        ["the bare ring, whose owner is its user's business"] = "Ring|BufferRing",
        ["for any thread as a whole"] = "RingExecutorGroup|RingGroupServer",
    };

    /// <summary>Members that another thread may call though nothing says so.</summary>
    private static readonly Dictionary<string, string> s_members = new()
    {
        ["describes an op; nothing is started"] =
            @"Op\.(?!Start|GetAwaiter).*|OpChain\.(Count|Then|Explain|ToString)|MultishotOp\.(Explain|ToString)",
        ["reads what never changes"] = @"RingExecutor\.(Name|Options|Ring|Trace)|RingFile\.(Path|AlignedMemory|CanSeek)|TraceRecorder\.IsOn"
            + @"|RingBuffers\.(Count|Item)|RingListener\.LocalEndPoint|RingConnection\.Options|RingBuffer\.(Index|Memory)|ReadLease\.(Length|IsEnd)|RingTask\.CompletedTask",
        ["reads one word, which may be old: for reports, and for those who look before they call"] =
            @"RingExecutor\.(Counters|Current)|RingHandle\.(Fd|InFlight|IsDisposed)|TraceRecorder\.Written|RingBuffers\.(InFlight|IsDisposed)"
            + @"|RingFileWriter\.(Accepted|Written)|RingTask(`1)?\.IsCompleted",
        ["only wraps; what it wraps is asked at the await"] = @".*\.GetAwaiter",
        ["the lease's life is the promise, wherever it is read"] = @"ReadLease\.(Memory|Span)",
        ["asks for the result of what is still running, and says that"] = @"(RingTaskAwaiter(`1)?|OpAwaiter)\.GetResult|RingYield\.GetResult",
    };

    [GeneratedRegex("thread of RingExecutor|has no RingExecutor|executor's thread")]
    private static partial Regex OwnerSentence();

    [Fact]
    public void EveryEntry_RefusesAnotherThread()
    {
        Live.RequireIoUring();
        var offenders = new List<string>();
        int refused = 0;
        Live.Run(
            async () =>
            {
                RingExecutor executor = RingExecutor.Current!;
                string path = Path.GetTempFileName();
                (RingPipe reader, RingPipe writer) = RingPipe.Create();
                (RingConnection left, RingConnection right) = RingConnection.CreatePair();
                RingBuffers buffers = RingBuffers.Register(1, 4096);
                RingFile file = await RingFile.OpenAsync(path);
                await right.WriteAsync(new byte[1]);
                ReadLease lease = await left.ReadLeaseAsync();
                var never = new TaskCompletionSource();
                RingTask task = RingExecutor.Spawn(async () => await never.Task);
                RingTask<int> withResult = RingExecutor.Spawn(async () =>
                {
                    await never.Task;
                    return 1;
                });
                Op poll = Op.Poll(left, 1);
                OpAwaiter awaiter = poll.GetAwaiter();
                object[] all =
                [
                    executor, executor.Trace, reader, left, file, file.CreateWriter(), buffers, buffers[0], lease, left.Options,
                    RingListener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0)), RingHandle.Adopt(0, ownsFd: false),
                    task, withResult, task.GetAwaiter(), withResult.GetAwaiter(), RingExecutor.Yield(), poll, poll.Then(poll),
                    poll.Multishot(), awaiter,
                ];
                await Task.Run(() =>
                {
                    foreach ((object? on, MethodInfo method) in Entries(all))
                    {
                        string? outcome = Ask(on, method, all);
                        if (outcome is null)
                            refused++;
                        else
                            offenders.Add($"{Name(method)}: {outcome}");
                    }
                });
                never.SetResult();
                await task;
                await withResult;
                foreach (IDisposable one in all.OfType<IDisposable>())
                    one.Dispose();
                right.Dispose();
                writer.Dispose();
                awaiter.OnCompleted(() => { });
                File.Delete(path);
            },
            new RingOptions { TraceEvents = 64 });
        Assert.Equal("", string.Join("\n", offenders.Distinct().Order()));
        Assert.InRange(refused, 60, 1000);
    }

    /// <summary>Instance members on the objects there are, and static ones.</summary>
    private static IEnumerable<(object? On, MethodInfo Method)> Entries(object[] all)
    {
        XElement docs = XElement.Load(System.IO.Path.ChangeExtension(typeof(Ring).Assembly.Location, "xml"));
        Dictionary<string, XElement> byName = docs.Descendants("member").ToDictionary(member => (string)member.Attribute("name")!);
        foreach (Type type in typeof(RingExecutor).Assembly.GetExportedTypes())
        {
            if (type.Namespace != "RingCore" || type.IsEnum || type.IsInterface || s_types.Values.Any(list => list.Split('|').Contains(type.Name)))
                continue;
            var asked = all.Where(one => type.IsInstanceOfType(one) || (type.IsGenericTypeDefinition && one.GetType().Name == type.Name)).ToList();
            Type real = asked.FirstOrDefault(one => one.GetType().Name == type.Name)?.GetType() ?? type;
            foreach (MethodInfo method in real.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                if (method.Name.StartsWith("add_", StringComparison.Ordinal) || method.Name.StartsWith("remove_", StringComparison.Ordinal)
                    || method.Name.StartsWith("op_", StringComparison.Ordinal) || IsForAnyThread(method, byName)
                    || s_members.Values.Any(list => Regex.IsMatch(Name(method), $"^({list})$")))
                    continue;
                Assert.True(method.IsStatic || asked.Count > 0, $"no object of {type} to ask");
                yield return (method.IsStatic ? null : asked[0], method);
            }
        }
    }

    private static string Name(MethodInfo method) => $"{method.DeclaringType!.Name}.{Regex.Replace(method.Name, "^[gs]et_", "")}";

    /// <summary>By its doc comment, or the one that it inherits; overloads stand for each other.</summary>
    private static bool IsForAnyThread(MethodInfo method, Dictionary<string, XElement> docs)
    {
        string type = method.DeclaringType!.FullName!.Split('[')[0], name = Regex.Replace(method.Name, "^[gs]et_", "");
        IEnumerable<XElement> found = docs.Where(one => Regex.IsMatch(one.Key, $@"^[MP]:{Regex.Escape(type)}\.{name}(``\d)?(\(|$)")).Select(one => one.Value);
        return found.Select(one => docs.GetValueOrDefault((string?)one.Element("inheritdoc")?.Attribute("cref") ?? "", one))
            .Any(one => one.Value.Contains("ny thread", StringComparison.Ordinal));
    }

    /// <summary>Null when it refuses, else what happened.</summary>
    private static string? Ask(object? on, MethodInfo method, object[] all)
    {
        if (method.IsGenericMethodDefinition)
            method = method.MakeGenericMethod(typeof(int));
        try
        {
            object? result = method.Invoke(on, [.. method.GetParameters().Select(parameter => Argument(parameter, all))]);
            Await(result);
            return "came back";
        }
        catch (Exception e)
        {
            Exception inner = e is TargetInvocationException { InnerException: { } thrown } ? thrown : e;
            return inner is InvalidOperationException && OwnerSentence().IsMatch(inner.Message) ? null : $"{inner.GetType().Name}: {inner.Message}";
        }
    }

    private static void Await(object? result)
    {
        if (result is null)
            return;
        if (result.GetType().GetInterfaces().FirstOrDefault(one => one.Name == "IAsyncEnumerable`1") is { } sequence)
        {
            object enumerator = sequence.GetMethod("GetAsyncEnumerator")!.Invoke(result, [CancellationToken.None])!;
            result = enumerator;
        }

        if (result.GetType().GetInterfaces().FirstOrDefault(one => one.Name == "IAsyncEnumerator`1") is { } moves)
            result = moves.GetMethod("MoveNextAsync")!.Invoke(result, [])!;
        if (result.GetType().GetMethod("AsTask") is { } asTask)
            result = asTask.Invoke(result, [])!;
        if (result is Task task && !task.IsCompleted && Task.WaitAny([task], TimeSpan.FromSeconds(5)) < 0)
            throw new TimeoutException("waits for ever");
        if (result is Task ended)
            ended.GetAwaiter().GetResult();
    }

    private static object? Argument(ParameterInfo parameter, object[] all)
    {
        Type type = parameter.ParameterType;
        if (type.IsByRef)
            return null;
        if (all.FirstOrDefault(type.IsInstanceOfType) is { } one && !type.IsAssignableFrom(typeof(object)))
            return one;
        if (parameter.HasDefaultValue)
            return parameter.DefaultValue ?? (type.IsValueType ? RuntimeHelpers.GetUninitializedObject(type) : null);
        if (type == typeof(Memory<byte>))
            return new Memory<byte>(new byte[1]);
        if (type == typeof(ReadOnlyMemory<byte>))
            return new ReadOnlyMemory<byte>(new byte[1]);
        if (type == typeof(string))
            return "/dev/null";
        if (type == typeof(TimeSpan))
            return TimeSpan.FromMilliseconds(1);
        if (type == typeof(FileAccess))
            return FileAccess.Read;
        if (type == typeof(System.Net.EndPoint))
            return new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1);
        if (typeof(IEnumerable).IsAssignableFrom(type) && type.IsGenericType)
            return Array.CreateInstance(type.GetGenericArguments()[0], 1);
        if (type == typeof(Action))
            return new Action(() => { });
        if (typeof(Delegate).IsAssignableFrom(type))
            return System.Linq.Expressions.Expression.Lambda(
                type, System.Linq.Expressions.Expression.Default(type.GetMethod("Invoke")!.ReturnType)).Compile();
        return type.IsValueType ? Activator.CreateInstance(type) : null;
    }
}
