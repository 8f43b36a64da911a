// Tests: the costs are what they are said to be, and docs/costs.md says the same. With UPDATE_COSTS=1 the page is written anew.

using System.Globalization;
using System.Text;

namespace RingCore.Tests.Costs;

public sealed class CostTests
{
    private static void Check(Cost cost, long sqes, long enters, long cqes) =>
        Assert.Equal((sqes, enters, cqes), (cost.Sqes, cost.Enters, cost.Cqes));

    [Fact]
    public void OneRead() => Check(CostScenarios.OneRead(), 1, 1, 1);

    [Fact]
    public void LeasedRead() => Check(CostScenarios.LeasedRead(), 1, 1, 1);

    [Fact]
    public void HundredReadsStartedTogether() => Check(CostScenarios.HundredReads(), 100, 1, 100);

    [Fact]
    public void ChainOfThree() => Check(CostScenarios.Chain(), 3, 1, 3);

    [Fact]
    public void PingPong() => Check(CostScenarios.PingPong(), 40, 20, 40);

    [Fact]
    public void EchoRoundTrip() => Check(CostScenarios.EchoRoundTrip(), 2, 2, 2);

    [Fact]
    public void ThreeWrites() => Check(CostScenarios.ThreeWrites(), 2, 2, 2);

    [Fact]
    public void IdleSecond() => Check(CostScenarios.IdleSecond(), 0, 1, 0);

    [Fact]
    public void UnreadCqes_NoEnter() => Check(CostScenarios.UnreadCqes(), 2, 1, 2);

    [Fact]
    public void ConnectWithDeadline() => Check(CostScenarios.ConnectWithDeadline(), 1, 1, 1);

    [Fact]
    public void ReadWithTimeout() => Check(CostScenarios.ReadWithTimeout(), 2, 1, 2);

    [Fact]
    public void CancelledRead() => Check(CostScenarios.CancelledRead(), 2, 2, 2);

    [Fact]
    public void TenAccepts() => Check(CostScenarios.TenConnections(), 1, 1, 10);

    [Fact]
    public void Page_SaysWhatTheScenariosCost()
    {
        string path = Repository.Path("docs", "costs.md");
        string page = Page();
        if (Environment.GetEnvironmentVariable("UPDATE_COSTS") == "1")
            File.WriteAllText(path, page);
        Assert.Equal(page, File.ReadAllText(path).ReplaceLineEndings("\n"));
    }

    private static string Page()
    {
        var text = new StringBuilder();
        text.Append("# What things cost\n\n");
        text.Append("SQEs written, io_uring_enter calls and CQEs read, without the executor's own standing wake-up read. Exact: the tests play the\n");
        text.Append("kernel, count, and compare this page with what they counted (`UPDATE_COSTS=1 dotnet test --project tests/RingCore.Tests` rewrites it).\n\n");
        text.Append("| scenario | SQEs | enters | CQEs | why |\n| --- | ---: | ---: | ---: | --- |\n");
        foreach (Cost cost in CostScenarios.All())
            text.Append(CultureInfo.InvariantCulture, $"| {cost.Scenario} | {cost.Sqes} | {cost.Enters} | {cost.Cqes} | {cost.Why} |\n");
        return text.ToString();
    }
}
