import Core
import MQTT
import Synchronization

typealias SubscriptionID = UInt64

/// A topic filter, and how messages under it are to come.
public struct TopicSubscription: Sendable, Hashable, ExpressibleByStringLiteral {
  /// The filter; with `$share/group/` in front a shared one.
  public var filter: String
  /// The highest QoS at which messages are to come.
  public var qos: QoS
  /// True to have the client's own messages not come back (5.0).
  public var noLocal: Bool
  /// True to have messages come with the retain flag that they were published with (5.0).
  public var retainAsPublished: Bool
  /// When messages that the broker has kept are to come (5.0).
  public var retainHandling: RetainHandling

  /// When messages that the broker has kept come to a new subscriber.
  public enum RetainHandling: UInt8, Sendable, Hashable {
    /// Whenever the client subscribes, at each restored subscription too.
    case sendAlways = 0
    /// When the broker did not have the subscription before.
    case sendIfNew = 1
    /// Never.
    case sendNever = 2
  }

  /// A filter; what is not named is as in 3.1.1.
  public init(
    _ filter: String, qos: QoS = .atLeastOnce, noLocal: Bool = false,
    retainAsPublished: Bool = false, retainHandling: RetainHandling = .sendAlways
  ) {
    self.filter = filter
    self.qos = qos
    self.noLocal = noLocal
    self.retainAsPublished = retainAsPublished
    self.retainHandling = retainHandling
  }

  /// A filter at QoS 1.
  public init(stringLiteral filter: String) { self.init(filter) }

  var options: V5.SubscriptionOptions {
    V5.SubscriptionOptions(
      qos: qos, noLocal: noLocal, retainAsPublished: retainAsPublished,
      retainHandling: V5.SubscriptionOptions.RetainHandling(rawValue: retainHandling.rawValue)
        ?? .sendAlways)
  }
}

/// Who acknowledges messages at QoS 1 and 2.
public enum Acknowledgement: Sendable {
  /// The client, once the application has taken the message from the sequence.
  case automatic
  /// The application, by `Message.acknowledge` or `refuse`.
  case manual
}

/// The messages under one or several topic filters, in the order in which they came.
///
/// Restored by itself after each loss of the broker's session. Ends when the client disconnects or is
/// gone, and by `Client.unsubscribe`; throws when the broker takes the subscription no more. A
/// subscription that nobody holds any more is unsubscribed from, unless the broker is to keep the
/// session (`ClientConfiguration.sessionExpiry`): then only `unsubscribe` does so, and messages that nobody
/// takes wait, not acknowledged, for the next run of the program.
///
/// A slow reader holds the broker up, not the client: what is not taken is not acknowledged, and the
/// broker sends no more than `Limits.receiveMaximum` such messages. At QoS 0, for which there is no
/// such brake, the oldest beyond the buffer give way, and `dropped` counts them.
public final class Subscription: AsyncSequence, Sendable {
  /// A message.
  public typealias Element = Message
  /// Why the subscription has ended.
  public typealias Failure = ClientError

  /// What was asked for.
  public let topics: [TopicSubscription]
  /// The QoS that the broker has granted for each.
  public let granted: [QoS]
  let id: SubscriptionID
  let inbox: Inbox
  private let mailbox: Mailbox

  init(
    _ id: SubscriptionID, _ topics: [TopicSubscription], granted: [QoS], inbox: Inbox,
    mailbox: Mailbox
  ) {
    self.id = id
    self.topics = topics
    self.granted = granted
    self.inbox = inbox
    self.mailbox = mailbox
  }

  deinit { _ = mailbox.post(.forget(id)) }

  /// Messages at QoS 0 that gave way.
  public var dropped: UInt64 { inbox.dropped.load(ordering: .relaxed) }

  /// Reads on from the oldest message that nobody has taken. Several readers share the messages.
  public func makeAsyncIterator() -> Iterator { Iterator(subscription: self, mailbox: mailbox) }

  /// Takes messages.
  public struct Iterator: AsyncIteratorProtocol, Sendable {
    fileprivate let subscription: Subscription
    fileprivate let mailbox: Mailbox

    /// The next message; nil at the end, and when the task is cancelled.
    public func next() async throws(ClientError) -> Message? { try await take() }

    /// The next message; nil at the end, and when the task is cancelled.
    public func next(
      isolation actor: isolated (any Actor)?
    ) async throws(ClientError) -> Message? { try await take() }

    private func take() async throws(ClientError) -> Message? {
      let message = try await subscription.inbox.channel.next().get()
      if let token = message?.token, !subscription.inbox.isManual {
        _ = mailbox.post(.taken(token))
      }
      return message
    }
  }
}

/// Where the client's thread leaves the messages of a subscription.
final class Inbox: Sendable {
  let channel = Channel<Message>()
  let isManual: Bool
  /// Messages at QoS 0 that wait at the most.
  let limit: Int
  let dropped = Atomic<UInt64>(0)

  init(isManual: Bool, limit: Int) {
    self.isManual = isManual
    self.limit = limit
  }
}

/// What `Client.subscribe` asks of the client's thread.
struct SubscribeRequest: Sendable {
  var id: SubscriptionID
  var topics: [TopicSubscription]
  var inbox: Inbox
  var userProperties: [UInt8]
}
