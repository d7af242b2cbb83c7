import Core

/// Which messages the device could not know the broker to have: these may come twice, and no others.
///
/// At most one window of messages is under way over a connection, and the broker acknowledges them in
/// order. So where a connection is lost, the last `inflight` messages that were heard over it are in doubt.
/// With a power cut goes, besides, what was not noted on flash by then.
///
/// What has to be durable leaves from memory, and is settled in the journal ahead of what waits there. The
/// journal remembers eight such stretches, and forgets more (see `SettledRanges`): so where there are such
/// readings, as many messages as may be under way may come once more without any other reason, over each
/// connection; elsewhere none.
///
/// The agent sends nothing at QoS 2, so that there is no promise about that to watch here.
struct Doubt {
  private let inflight: Int
  private let unexplainedMax: Int
  /// Of each message from 1 on when it was heard and over which connection; the first stands for none.
  private var heard: [(at: Instant, connection: Int)] = [(.boot, 0)]
  /// Of each connection, the last message that was heard over it; 0 for none.
  private var last = [0]
  private var forgotten: [(since: Instant, until: Instant)] = []
  /// Repetitions over the present connection that nothing else explains.
  private var unexplained = 0

  /// `hasDurable`: some readings have to be durable before they are sent.
  init(inflight: Int, hasDurable: Bool) {
    self.inflight = inflight
    unexplainedMax = hasDurable ? inflight : 0
  }

  /// How many messages were heard.
  var messages: Int { heard.count - 1 }

  mutating func connectionOpened() {
    last.append(0)
    unexplained = 0
  }

  /// What was heard between `known` and `now` may come again.
  mutating func forgotten(since known: Instant, at now: Instant) {
    if known < now { forgotten.append((known, now)) }
  }

  mutating func heard(at now: Instant) {
    heard.append((now, last.count - 1))
    last[last.count - 1] = messages
  }

  /// Why the present message may not repeat what message `number` has brought; nil when it may.
  mutating func complaint(ofRepeating number: UInt32) -> String? {
    let number = Int(number)
    let (at, connection) = heard[number]
    if connection < last.count - 1, last[connection] - number < inflight { return nil }
    if forgotten.contains(where: { $0.since <= at && at <= $0.until }) { return nil }
    guard connection < last.count - 1 else { return "over the same connection" }
    unexplained += 1
    guard unexplained > unexplainedMax else { return nil }
    return "which was no more under way when that connection was lost"
  }
}
