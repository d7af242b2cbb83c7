/// What becomes of a client's connection.
public enum ConnectionEvent: Sendable, Equatable {
  /// An attempt begins; how many there were since the last stable connection.
  case attempting(number: Int)
  /// The broker has accepted the connection.
  case connected(ConnectionInfo)
  /// The birth message was handed to the connection, ahead of all that waits: the will of an earlier
  /// connection does not stay the last word.
  case birthPublished
  /// There is no connection any more.
  case lost(LossReason)
  /// An attempt has come to nothing.
  case attemptFailed(LossReason)
  /// The next attempt begins after so long.
  case retrying(after: Duration, attempt: Int)
  /// The broker does not speak the version; the next attempt asks for this one.
  case fallingBack(to: Version)
  /// The next attempt goes to the server that the broker has named.
  case followingReference(String)
  /// So many connections in a row were lost before they were stable, or the broker has said so: another
  /// client may have the same name.
  case takeoverSuspected(connections: Int)
  /// A certificate ends in so long; told at each connection within `TLSSettings.warnsAhead`.
  case certificateEnds(Certificate, after: Duration)
  /// A message for which nobody waits was dropped: it has expired, the queue was full, this broker
  /// does not take it, or always closes the connection for it. Who waits in `publish` gets the error instead.
  case dropped(ClientError)
  /// The broker has refused a message for which nobody waits.
  case publishRefused(ClientError.Refusal)
  /// A message larger than `Limits.maximumPacketSize` was passed over; its bytes.
  case messageTooLarge(bytes: Int)
  /// A message came under a topic that no subscription of this client has; it was acknowledged.
  case messageWithoutSubscription(topic: String)
  /// A subscription was not restored after the broker had lost it; its sequence ends with this error.
  case subscriptionLost(filter: String, ClientError)
  /// What becomes of the journal.
  case journal(JournalEvent)
  /// A re-authentication has come to its end.
  case reauthenticated
  /// `disconnect` or `abort` is done.
  case stopped

  /// Whose certificate.
  public enum Certificate: Sendable, Equatable {
    /// The broker's.
    case broker
    /// Our own.
    case own
  }
}

/// What CONNACK has said.
public struct ConnectionInfo: Sendable, Equatable {
  /// True when the broker has kept the session.
  public var sessionPresent: Bool
  /// The version that is spoken.
  public var version: Version
  /// The name that the broker has made up for the client.
  public var assignedClientID: String?
  /// The keep-alive that counts; zero for none.
  public var keepAlive: Duration
  /// The highest QoS that the broker takes.
  public var maximumQoS: QoS
  /// Whether the broker keeps messages.
  public var retainAvailable: Bool
  /// The largest packet that the broker takes, in bytes.
  public var maximumPacketSize: Int
  /// How many messages at QoS 1 and 2 the broker takes at once.
  public var receiveMaximum: Int
  /// The base for response topics.
  public var responseInformation: String?
  /// The broker's words.
  public var reasonString: String?
  /// The broker's user properties.
  public var userProperties: [UserProperty]
  /// True when TLS took up an earlier session.
  public var isTLSResumed: Bool
}

/// What a client has done since it was made.
public struct ClientStatistics: Sendable, Equatable {
  /// True while there is a connection.
  public internal(set) var isConnected = false
  /// Connections that a broker has accepted.
  public internal(set) var connections: UInt64 = 0
  /// Attempts that came to nothing.
  public internal(set) var failedAttempts: UInt64 = 0
  /// Messages at QoS 1 and 2 in the queue, sent or not.
  public internal(set) var queuedMessages = 0
  /// Their bytes.
  public internal(set) var queuedBytes = 0
  /// Messages that the broker has, or that left at QoS 0.
  public internal(set) var published: UInt64 = 0
  /// Messages that the broker has refused.
  public internal(set) var publishRefused: UInt64 = 0
  /// Messages of ours that were dropped, for whatever reason.
  public internal(set) var dropped: UInt64 = 0
  /// The journal's; nil without one.
  public internal(set) var journal: JournalStatistics?
  /// Messages sent again after a reconnection.
  public internal(set) var resent: UInt64 = 0
  /// Messages received.
  public internal(set) var received: UInt64 = 0
  /// Received messages at QoS 0 that gave way in a full buffer.
  public internal(set) var receivedDropped: UInt64 = 0
  /// Received messages at QoS 1 and 2 that are not acknowledged yet.
  public internal(set) var unacknowledged = 0
  /// Received messages for which there was no subscription.
  public internal(set) var unmatched: UInt64 = 0
  /// Bytes sent.
  public internal(set) var bytesSent: UInt64 = 0
  /// Bytes received.
  public internal(set) var bytesReceived: UInt64 = 0
}
