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
  /// How many messages were heard; they are numbered from 1 on.
  private(set) var messages = 0
  /// When every eighth of them was heard, from the first on: a year of a lively device has millions.
  private var times: [Instant] = []
  /// Of each connection, the last message that was heard over it, or before; the first stands for none.
  private var last = [0]
  /// Messages that may come again.
  private var forgotten: [ClosedRange<Int>] = []
  /// The medium may have lost anything.
  private(set) var hasRotted = false
  /// Repetitions over the present connection that nothing else explains.
  private var unexplained = 0

  /// `hasDurable`: some readings have to be durable before they are sent.
  init(inflight: Int, hasDurable: Bool) {
    self.inflight = inflight
    unexplainedMax = hasDurable ? inflight : 0
  }

  private static var messagesPerTime: Int { 8 }

  mutating func connectionOpened() {
    last.append(messages)
    unexplained = 0
  }

  /// What was heard between `known` and `now` may come again.
  mutating func forgotten(since known: Instant, at now: Instant) {
    guard known < now else { return }
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < known { low = middle + 1 } else { high = middle }
    }
    let first = max(0, low - 1) * Self.messagesPerTime + 1
    if first <= messages { forgotten.append(first...messages) }
  }

  /// The medium has rotted, and whatever was noted there with it.
  mutating func rotted(at now: Instant) {
    hasRotted = true
    forgotten(since: .boot, at: now)
  }

  mutating func heard(at now: Instant) {
    if messages % Self.messagesPerTime == 0 { times.append(now) }
    messages += 1
    last[last.count - 1] = messages
  }

  /// Why the present message may not repeat what message `number` has brought; nil when it may.
  mutating func complaint(ofRepeating number: UInt32) -> String? {
    let number = Int(number)
    let connection = connection(of: number)
    if connection < last.count - 1, last[connection] - number < inflight { return nil }
    if forgotten.contains(where: { $0.contains(number) }) { return nil }
    guard connection < last.count - 1 else { return "over the same connection" }
    unexplained += 1
    guard unexplained > unexplainedMax else { return nil }
    return "which was no more under way when that connection was lost"
  }

  /// The connection over which a message was heard: the first that had as many.
  private func connection(of number: Int) -> Int {
    var low = 0
    var high = last.count - 1
    while low < high {
      let middle = (low + high) / 2
      if last[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
