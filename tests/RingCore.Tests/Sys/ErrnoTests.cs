// Tests: Sys. Error numbers as literals, their names and their texts.
using System.Reflection;
using RingCore.Sys;

namespace RingCore.Tests.Sys;

public sealed class ErrnoTests
{
    // By number, 41 and 58 are not assigned.
    private static readonly (int Number, string Name)[] s_golden =
    [
        (1, "EPERM"), (2, "ENOENT"), (3, "ESRCH"), (4, "EINTR"), (5, "EIO"), (6, "ENXIO"),
        (7, "E2BIG"), (8, "ENOEXEC"), (9, "EBADF"), (10, "ECHILD"), (11, "EAGAIN"),
        (12, "ENOMEM"), (13, "EACCES"), (14, "EFAULT"), (15, "ENOTBLK"), (16, "EBUSY"),
        (17, "EEXIST"), (18, "EXDEV"), (19, "ENODEV"), (20, "ENOTDIR"), (21, "EISDIR"),
        (22, "EINVAL"), (23, "ENFILE"), (24, "EMFILE"), (25, "ENOTTY"), (26, "ETXTBSY"),
        (27, "EFBIG"), (28, "ENOSPC"), (29, "ESPIPE"), (30, "EROFS"), (31, "EMLINK"),
        (32, "EPIPE"), (33, "EDOM"), (34, "ERANGE"), (35, "EDEADLK"), (36, "ENAMETOOLONG"),
        (37, "ENOLCK"), (38, "ENOSYS"), (39, "ENOTEMPTY"), (40, "ELOOP"), (42, "ENOMSG"),
        (43, "EIDRM"), (44, "ECHRNG"), (45, "EL2NSYNC"), (46, "EL3HLT"), (47, "EL3RST"),
        (48, "ELNRNG"), (49, "EUNATCH"), (50, "ENOCSI"), (51, "EL2HLT"), (52, "EBADE"),
        (53, "EBADR"), (54, "EXFULL"), (55, "ENOANO"), (56, "EBADRQC"), (57, "EBADSLT"),
        (59, "EBFONT"), (60, "ENOSTR"), (61, "ENODATA"), (62, "ETIME"), (63, "ENOSR"),
        (64, "ENONET"), (65, "ENOPKG"), (66, "EREMOTE"), (67, "ENOLINK"), (68, "EADV"),
        (69, "ESRMNT"), (70, "ECOMM"), (71, "EPROTO"), (72, "EMULTIHOP"), (73, "EDOTDOT"),
        (74, "EBADMSG"), (75, "EOVERFLOW"), (76, "ENOTUNIQ"), (77, "EBADFD"), (78, "EREMCHG"),
        (79, "ELIBACC"), (80, "ELIBBAD"), (81, "ELIBSCN"), (82, "ELIBMAX"), (83, "ELIBEXEC"),
        (84, "EILSEQ"), (85, "ERESTART"), (86, "ESTRPIPE"), (87, "EUSERS"), (88, "ENOTSOCK"),
        (89, "EDESTADDRREQ"), (90, "EMSGSIZE"), (91, "EPROTOTYPE"), (92, "ENOPROTOOPT"),
        (93, "EPROTONOSUPPORT"), (94, "ESOCKTNOSUPPORT"), (95, "EOPNOTSUPP"),
        (96, "EPFNOSUPPORT"), (97, "EAFNOSUPPORT"), (98, "EADDRINUSE"), (99, "EADDRNOTAVAIL"),
        (100, "ENETDOWN"), (101, "ENETUNREACH"), (102, "ENETRESET"), (103, "ECONNABORTED"),
        (104, "ECONNRESET"), (105, "ENOBUFS"), (106, "EISCONN"), (107, "ENOTCONN"),
        (108, "ESHUTDOWN"), (109, "ETOOMANYREFS"), (110, "ETIMEDOUT"), (111, "ECONNREFUSED"),
        (112, "EHOSTDOWN"), (113, "EHOSTUNREACH"), (114, "EALREADY"), (115, "EINPROGRESS"),
        (116, "ESTALE"), (117, "EUCLEAN"), (118, "ENOTNAM"), (119, "ENAVAIL"), (120, "EISNAM"),
        (121, "EREMOTEIO"), (122, "EDQUOT"), (123, "ENOMEDIUM"), (124, "EMEDIUMTYPE"),
        (125, "ECANCELED"), (126, "ENOKEY"), (127, "EKEYEXPIRED"), (128, "EKEYREVOKED"),
        (129, "EKEYREJECTED"), (130, "EOWNERDEAD"), (131, "ENOTRECOVERABLE"), (132, "ERFKILL"),
        (133, "EHWPOISON"),
    ];

    [Fact]
    public void Constants_HaveTheKernelsNumbers()
    {
        Dictionary<string, int> actual = typeof(Errno)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .ToDictionary(field => field.Name, field => (int)field.GetRawConstantValue()!);
        Assert.Equal(131, s_golden.Length);
        foreach ((int number, string name) in s_golden)
        {
            Assert.Equal((name, number), (name, actual[name]));
        }

        // The three second names.
        Assert.Equal(11, actual["EWOULDBLOCK"]);
        Assert.Equal(35, actual["EDEADLOCK"]);
        Assert.Equal(95, actual["ENOTSUP"]);
        Assert.Equal(s_golden.Length + 3, actual.Count);
    }

    [Fact]
    public void Name_IsTheSymbolForEveryNumber_InBothSigns()
    {
        foreach ((int number, string name) in s_golden)
        {
            Assert.Equal(name, Errno.Name(number));
            Assert.Equal(name, Errno.Name(-number));
        }
    }

    [Fact]
    public void Describe_IsNameAndText_ForEveryNumber()
    {
        foreach ((int number, string name) in s_golden)
        {
            string text = Errno.Describe(-number);
            Assert.StartsWith(name + ": ", text);
            Assert.True(text.Length > name.Length + 4, text);
        }

        Assert.Equal("ECONNRESET: connection reset by peer", Errno.Describe(104));
    }

    [Theory]
    [InlineData(0, "OK")]
    [InlineData(41, "errno 41")]
    [InlineData(58, "errno 58")]
    [InlineData(134, "errno 134")]
    [InlineData(-4095, "errno 4095")]
    [InlineData(int.MaxValue, "errno 2147483647")]
    [InlineData(int.MinValue, "errno 2147483648")]
    public void NumbersWithoutAName_AreShownAsNumbers(int errno, string name)
    {
        Assert.Equal(name, Errno.Name(errno));
        Assert.StartsWith(name + ": ", Errno.Describe(errno));
    }
}
