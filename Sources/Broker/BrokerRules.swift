import MQTT

/// What the owner of a broker has decided about its clients. Without any rule everybody may connect,
/// publish and subscribe, and no authentication method is known.
public struct BrokerRules {
  /// The answer to a client's CONNECT: `success`, or why not. Asked before the client takes anyone's
  /// place; a client that names an authentication method has to pass that too.
  public var login: ((Login) -> V5.ConnectReason)?
  /// True when the client may publish under the topic.
  public var mayPublish: ((_ clientID: [UInt8], _ topic: [UInt8]) -> Bool)?
  /// True when the client may subscribe to the filter.
  public var maySubscribe: ((_ clientID: [UInt8], _ filter: [UInt8]) -> Bool)?
  /// Makes the server's side of an exchange for each authentication method that is known, by its
  /// name (5.0 section 4.12).
  public var methods: [[UInt8]: (_ clientID: [UInt8]) -> any Authenticator] = [:]
  /// The base for response topics, for a client that asks for it; text (5.0 section 4.10.1).
  public var responseInformation: [UInt8]?
  /// The server that a client is sent to by "use another server" and "server moved"; text.
  public var serverReference: [UInt8]?

  /// No rules.
  public init() {}
}

/// Who a client says it is.
public struct Login: Equatable, Sendable {
  /// Its name, or the one that the broker has made up for it.
  public var clientID: [UInt8]
  /// The name to log in with; nil when there is none.
  public var userName: [UInt8]?
  /// The password; nil when there is none. Any bytes.
  public var password: [UInt8]?

  /// A client's name, and what it logs in with.
  public init(clientID: [UInt8], userName: [UInt8]?, password: [UInt8]?) {
    self.clientID = clientID
    self.userName = userName
    self.password = password
  }
}

/// The server's side of one exchange of an authentication method.
public protocol Authenticator {
  /// What to say to the client's data, which is nil when it has sent none.
  mutating func answer(to data: [UInt8]?) -> AuthenticationAnswer
}

/// What an authentication method says to a step of the client.
public enum AuthenticationAnswer: Equatable, Sendable {
  /// The client is to go on, with this data.
  case proceed([UInt8]?)
  /// The client is who it says; it gets this data.
  case success([UInt8]?)
  /// It is not, or may not.
  case refuse(V5.ConnectReason)
}
