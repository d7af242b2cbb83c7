import Agent
import Core
import Device
import Dialing
import SimulatedBoard
import Uplink

/// A checked profile: what the agent is built from.
public struct Configuration: Sendable {
  /// The profile's strings, one behind the other; every `Text` is a place in here.
  public var texts: [UInt8] = []
  /// The device as a whole.
  public var device = DeviceSpec(id: .empty, base: .empty)
  /// Its way to the broker.
  public var uplink = UplinkSpec(dial: DialSpec(Endpoint(.tcp, host: .empty)))
  /// Who may care for it from afar.
  public var care = CareSpec()
  /// Where the profile says so, in bytes from its beginning.
  public var careOffset = 0
  /// The points, in the profile's order.
  public var points: [PointSpec] = []
  /// How each of them behaves on a simulated board.
  public var simulations: [SimulationSpec] = []
  /// Bytes that the agent may take at start.
  public var memoryBudget = 256 * 1024
  /// Where the profile says so, in bytes from its beginning.
  public var memoryBudgetOffset = 0
  /// Bytes that the journal's medium bears to be written in all; nil when the profile does not say.
  public var flashEndurance: Double?

  /// The string at `text`.
  public func string(_ text: Text) -> String {
    let start = Int(text.offset)
    return String(decoding: texts[start..<start + Int(text.count)], as: UTF8.self)
  }

  /// The place of `bytes` among the strings, which they join unless they are there already.
  mutating func intern(_ bytes: [UInt8]) -> Text {
    if bytes.isEmpty { return .empty }
    var start = 0
    while start + bytes.count <= texts.count {
      if texts[start..<start + bytes.count].elementsEqual(bytes) { break }
      start += 1
    }
    if start + bytes.count > texts.count {
      start = texts.count
      texts.append(contentsOf: bytes)
    }
    return Text(
      offset: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: bytes.count))
  }
}

/// Something in a profile that is wrong, or worth knowing.
public struct ProfileProblem: Sendable {
  /// True when the profile can be used all the same.
  public var isWarning: Bool
  /// Where in the file, in bytes.
  public var offset: Int
  /// Which value, as a JSON pointer (RFC 6901); empty for the whole file.
  public var pointer: String
  /// What was expected, what was found, what to do.
  public var message: String

  /// A problem of the value at `pointer`, `offset` bytes from the file's beginning.
  package init(isWarning: Bool, offset: Int, pointer: String, message: String) {
    (self.isWarning, self.offset) = (isWarning, offset)
    (self.pointer, self.message) = (pointer, message)
  }

  /// The problem as compilers write them: `file:line:column: error: /pointer: message`.
  @inline(never)
  public func described(file: String, in bytes: [UInt8]) -> String {
    let place = JSONPositionText(offset, bytes)
    let kind = isWarning ? "warning" : "error"
    let subject = pointer.utf8.isEmpty ? "" : pointer + ": "
    return file + ":" + place.text + ": " + kind + ": " + subject + message
  }
}
