import Core

/// How a connection is to be opened.
public struct ConnectOptions: BitwiseCopyable, Sendable {
  /// The version to speak.
  public var level: ProtocolLevel
  /// True to have both sides forget what was before; before 5.0 also to keep nothing for later.
  public var cleanSession: Bool
  /// Seconds after which one side must have heard of the other; 0 for no supervision. A 5.0 server
  /// can set another number.
  public var keepAlive: UInt16
  /// How long to wait for CONNACK and for an answer to PINGREQ.
  public var replyTimeout: Interval
  /// How long a packet that has begun may take to come on: three times `replyTimeout` unless set.
  public var packetTimeout: Interval
  /// True to send PINGREQ early when an answer is late, as the round trips so far say. Not without a
  /// keep-alive.
  public var watchesAnswers = false
  /// How long the transport may take none of the output, and get none of what it took across, before
  /// the session fails; nil for any time.
  public var writeTimeout: Interval?
  /// True when the owner acknowledges received messages by `ClientSession.acknowledge`; else they
  /// are acknowledged once they were handed over.
  public var acknowledgesByHand = false
  /// What becomes of a message that is larger than the receive buffer, where the server was not
  /// told a Maximum Packet Size (which ends the connection, 5.0 section 3.1.2.11.4).
  public var largeMessages = LargeMessages.skip
  /// True to let aliases stand for topics, as far as `Sizes.outboundAliases` and a 5.0 server have
  /// room for them.
  public var assignsAliases = false

  /// True when messages of ours that were sent and not acknowledged begin anew where the session is
  /// lost, in their place and under their identifiers, for `nextResend` to name; else they are
  /// forgotten.
  public var requeuesLostMessages = false

  /// What becomes of messages that are larger than the receive buffer.
  public enum LargeMessages: BitwiseCopyable, Sendable {
    /// They are passed over, acknowledged and counted.
    case skip
    /// Their payload is handed over in pieces. Their topic and properties must fit into the buffer,
    /// else they are passed over.
    case stream
  }

  /// How a connection is to be opened.
  public init(
    level: ProtocolLevel, cleanSession: Bool, keepAlive: UInt16, replyTimeout: Interval
  ) {
    self.level = level
    self.cleanSession = cleanSession
    self.keepAlive = keepAlive
    self.replyTimeout = replyTimeout
    packetTimeout = replyTimeout * 3
  }
}
