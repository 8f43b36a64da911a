// Handles layer: the ways in which a group's executors get their connections. RingGroupServer has the code of
// each.

namespace RingCore;

/// <summary>How connections reach the executors of a group.</summary>
public enum RingPlacement
{
    /// <summary>
    /// A listener on every executor (SO_REUSEPORT): the kernel spreads connections by a hash of their
    /// addresses. No hand-over; even for many connections, uneven for few long ones. TCP only. Another
    /// process of the same user can join the port.
    /// </summary>
    ListenerEach,

    /// <summary>
    /// The first executor accepts and gives each connection to the executor with the fewest: even for few
    /// long ones.
    /// </summary>
    Acceptor,
}
