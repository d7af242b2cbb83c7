import Core
import Dialing
import Linux
import MQTT

/// Why a connection, or an attempt at one, has come to its end.
public enum LossReason: Sendable, Equatable, CustomStringConvertible {
  /// There is no way to the broker, or no longer one: names, sockets, proxy, TLS, WebSocket.
  case transport(TransportFault)
  /// The broker refuses the connection.
  case refused(ServerWord)
  /// The broker says DISCONNECT (5.0).
  case disconnected(ServerWord)
  /// The broker does not answer in time, or what it sends is not MQTT.
  case session(SessionFault)
  /// The password's file cannot be read, for the reason that the error number (errno) gives, or the
  /// provider of credentials or an authentication has thrown or not answered.
  case credentials(CredentialsFault)
  /// The identity cannot be written: a user name of a version that has none such, say.
  case identity
  /// It was asked for.
  case asked

  /// What the broker has said.
  public struct ServerWord: Sendable, Equatable {
    /// The reason code, or the return code before 5.0.
    public var code: UInt8
    /// What the code means.
    public var meaning: String
    /// The broker's own words.
    public var reasonString: String?
    /// Another server to use.
    public var serverReference: String?
    /// The broker's user properties.
    public var userProperties: [UserProperty]
    /// True when another attempt will end in the same way.
    public var isPermanent: Bool
  }

  /// What is wrong with the credentials.
  public enum CredentialsFault: Sendable, Equatable {
    /// The password's file cannot be read (errno).
    case file(code: Int32)
    /// The closure has thrown.
    case threw
    /// The closure has not answered within `Timeouts.credentials`.
    case timedOut
    /// They are longer than `Limits.identityBytes`, or the user name or the client ID is no text.
    case unusable
  }

  /// True when waiting alone will not help.
  public var isPermanent: Bool {
    switch self {
    case .refused(let word): word.isPermanent
    case .identity, .credentials(.unusable): true
    case .transport, .disconnected, .session, .credentials, .asked: false
    }
  }

  /// True when another client of the same name has taken the session over (5.0 says so).
  public var isTakeover: Bool {
    if case .disconnected(let word) = self {
      word.code == V5.DisconnectReason.sessionTakenOver.rawValue
    } else {
      false
    }
  }

  /// The reason in words. Never holds a secret.
  public var description: String {
    switch self {
    case .transport(let fault): String(writing: 512) { out in fault.describe(into: &out) }
    case .refused(let word): "refused: \(word.text)"
    case .disconnected(let word): "disconnected by the broker: \(word.text)"
    case .session(let fault): "\(fault)"
    case .credentials(.file(let code)):
      "password file: "
        + SystemError.withText(of: code) { text in String(text) }
    case .credentials(.threw): "the provider of credentials has thrown"
    case .credentials(.timedOut): "the provider of credentials does not answer"
    case .credentials(.unusable): "the credentials cannot be sent"
    case .identity: "the identity does not suit the version"
    case .asked: "asked for"
    }
  }
}

extension LossReason.ServerWord {
  fileprivate var text: String { meaning + (reasonString.map { " (\($0))" } ?? "") }

  init(
    code: UInt8, meaning: StaticString, isPermanent: Bool, _ properties: V5.Properties,
    in bytes: Span<UInt8>
  ) {
    self.code = code
    self.meaning = "\(meaning)"
    self.isPermanent = isPermanent
    reasonString = properties.text(.reasonString, in: bytes).map { String(bytes[$0]) }
    serverReference = properties.text(.serverReference, in: bytes).map { String(bytes[$0]) }
    userProperties = MessageProperties(properties, in: bytes).userProperties
  }
}

/// What can be wrong on the way to a broker.
public typealias TransportFault = Dialing.DialFault
/// What a broker can do wrong once there is a way to it.
public typealias SessionFault = MQTT.SessionFault
