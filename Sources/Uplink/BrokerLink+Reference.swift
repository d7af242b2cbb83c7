import Core
import Dialing
import MQTT

/// Where a broker has sent us (5.0, section 4.11).
struct Redirection: BitwiseCopyable {
  /// The place.
  var place: ServerReference
  /// The broker of the list that named it.
  var broker: Int
  /// "Server moved": it stands for that broker until the agent ends.
  var isForGood: Bool
  /// The next attempt at that broker goes there.
  var isNext = true
}

/// Server Reference followed: for one connection where a broker says "use another server", and where it
/// says "server moved", until the agent ends.
///
/// A place where nobody is never costs the device its broker: after an attempt there has failed, the next
/// one asks the broker of the list again. Brokers that send us round in circles are met by the back-off.
extension BrokerLink where Medium: ~Copyable {
  /// How many references are followed in a row, at once.
  private static var hopsMax: UInt8 { 3 }

  /// Where the present attempt goes instead of to the broker of the list; nil when it goes there.
  public var reference: ServerReference? {
    guard let redirection, isAtReference else { return nil }
    return redirection.place
  }

  /// Where the next attempt goes, when the broker has just sent us on.
  public var nextReference: ServerReference? { isPlaceNew ? redirection?.place : nil }

  /// Takes in what the broker says of other servers, before the connection ends for that.
  mutating func heed(_ code: UInt8, _ properties: V5.Properties) {
    let isMoved = code == V5.ConnectReason.serverMoved.rawValue
    guard spec.followsReferences, session.level == .v50, hops < Self.hopsMax,
      isMoved || code == V5.ConnectReason.useAnotherServer.rawValue
    else { return }
    let kind = spec.dial.endpoint.kind
    let place = session.withPacket { bytes -> ServerReference? in
      guard let text = properties.text(.serverReference, in: bytes) else { return nil }
      return ServerReference(bytes[text], kind: kind)
    }
    guard let place else { return }
    redirection = Redirection(
      place: place, broker: choice.current, isForGood: isMoved)
    isPlaceNew = true
    hops += 1
  }

  /// An attempt begins, at the next broker or where it has sent us.
  mutating func beginAttempt() {
    let wasAtReference = isAtReference
    var isElsewhere = choice.begin()
    isAtReference = false
    if let redirection, redirection.broker == choice.current {
      isAtReference = redirection.isNext
      if !redirection.isForGood { self.redirection?.isNext = false }
    }
    if isPlaceNew || isAtReference != wasAtReference { isElsewhere = true }
    isPlaceNew = false
    if isElsewhere { brokerChanged() }
  }

  /// An attempt has failed that was not sent on: where there are two places for one broker, the next
  /// attempt at it goes to the other.
  mutating func turnFromReference() {
    guard let redirection, redirection.broker == choice.current else { return }
    if redirection.isForGood {
      self.redirection?.isNext = !isAtReference
    } else {
      self.redirection = nil
    }
  }
}
