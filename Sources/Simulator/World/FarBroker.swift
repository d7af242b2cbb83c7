import Core
import Dialing

/// A broker beyond a world: what the world's way leads to in real time, instead of a broker of its own.
///
/// One connection is the present one: the last that was dialled, until it is closed or left. What the way
/// does to the bytes is the way's; what is handed over here arrives.
public protocol FarBroker: AnyObject {
  /// Begins to connect to a broker of the profile by its number, or to where that one has sent the device. An
  /// attempt that is under way is given up.
  func dial(_ broker: Int, sentTo reference: ServerReference?)
  /// What has come of it, once; nil while that is open.
  func takeAnswer() -> FarAnswer?
  /// Bytes of the device, for the broker.
  func send(_ bytes: Span<UInt8>)
  /// Lends what the broker has sent since; true once its end has come behind that.
  func receive(_ take: (Span<UInt8>) -> Void) -> Bool
  /// Closes the present connection, or gives up the attempt: what was sent still arrives, and the broker
  /// learns of the end.
  func close()
  /// Leaves the present connection: the broker hears no more of it, nor of its end.
  func leave()
}

/// What has come of dialling a broker.
public enum FarAnswer: Sendable {
  /// There is a connection, for a login with this password, if any.
  case opened(password: [UInt8]?)
  /// There is none.
  case failed(DialFault)
}
