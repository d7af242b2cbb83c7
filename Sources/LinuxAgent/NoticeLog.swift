import Agent
import Core
import Device
import Linux
import MQTT
import Uplink
import WebSocket

/// The agent's notices as lines of the log.
enum NoticeLog {
  static func write(_ notice: Notice, points: borrowing Points) {
    switch notice {
    case .online(let session):
      Log.write(.notice) { line in
        line.append(literal: "online, session ")
        line.append(decimal: Int64(bitPattern: session))
      }
    case .lost(let fault):
      Log.write(.warning) { line in
        line.append(literal: "connection to the broker lost: ")
        line.append(fault)
      }
    case .attemptFailed(let fault, let wait):
      Log.write(.warning) { line in
        line.append(literal: "no connection to the broker: ")
        line.append(fault)
        line.append(literal: "; next attempt in ")
        line.append(wait)
      }
    case .subscriptionRefused:
      Log.write(.error, "the broker refuses a subscription to the device's own topics")
    case .command(let refusal, let point): write(refusal, point, points)
    case .messageTooLarge(let bytes):
      Log.write(.warning) { line in
        line.append(literal: "a message of ")
        line.append(decimal: Int64(wide: bytes))
        line.append(literal: " bytes was passed over: uplink.packet is less")
      }
    case .reasserted:
      Log.write(.warning, "another's word on our status topic: ours was said again")
    case .stopping(let undelivered):
      Log.write(.notice) { line in
        line.append(literal: "stopping; messages not yet acknowledged: ")
        line.append(decimal: Int64(wide: undelivered))
      }
    case .stopped: Log.write(.notice, "stopped")
    }
  }

  private static func write(_ refusal: CommandRefusal?, _ point: Int?, _ points: borrowing Points) {
    Log.write(refusal == nil ? .info : .warning) { line in
      line.append(literal: "command for ")
      if let point {
        points.texts.withBytes(of: points.name(point)) { name in line.append(contentsOf: name) }
      } else {
        line.append(literal: "a point that is not there")
      }
      guard let refusal else { return }
      line.append(literal: " refused: ")
      line.append(literal: refusal.reason)
    }
  }
}

extension LogLine {
  /// Appends the fault and what is known of its cause.
  fileprivate mutating func append(_ fault: LinkFault) {
    append(literal: fault.slug)
    switch fault {
    case .connectFailed(let code), .transport(let code):
      append(literal: " (")
      SystemError.withText(of: code) { text in append(contentsOf: text) }
      append(literal: ")")
    case .refused(let refusal):
      append(literal: " (")
      append(literal: refusal.words)
      append(literal: ")")
    case .disconnected(let reason):
      append(literal: " (")
      append(literal: reason.words)
      append(literal: ")")
    case .upgradeFailed(.status(let status)):
      append(literal: " (no WebSocket there: HTTP status ")
      append(decimal: Int64(wide: Int(status)))
      append(literal: ")")
    case .upgradeFailed(let fault):
      append(literal: " (no WebSocket there: ")
      append(literal: fault.words)
      append(literal: ")")
    case .upgradeTimedOut: append(literal: " (no answer to the request for a WebSocket)")
    case .webSocket(.closed(let code?)):
      append(literal: " (WebSocket status ")
      append(decimal: Int64(wide: Int(code)))
      append(literal: ")")
    case .webSocket(.failed(let fault)):
      append(literal: " (WebSocket: ")
      append(literal: fault.words)
      append(literal: ")")
    case .resolveFailed, .resolveTimedOut, .connectTimedOut, .closedByPeer, .webSocket, .session,
      .unanswered, .closedByUs:
      break
    }
  }
}

extension HandshakeFault {
  /// What is wrong with the server's answer, in words.
  fileprivate var words: StaticString {
    switch self {
    case .status: "it refuses"
    case .malformed: "the answer is not HTTP"
    case .tooLong: "the answer is too long"
    case .noUpgrade: "it does not upgrade"
    case .wrongAccept: "it does not answer our key"
    case .wrongProtocol: "it does not speak mqtt there"
    case .unwantedExtension: "it uses an extension"
    case .closed: "it closed the connection"
    }
  }
}

extension FrameFault {
  /// What the server has done, in words.
  fileprivate var words: StaticString {
    switch self {
    case .reservedBits, .reservedOpcode: "a frame of an unknown kind"
    case .wrongMasking: "a frame with a mask"
    case .fragmentedControl, .longControl: "a control frame in parts or too long"
    case .lengthNotMinimal, .lengthTooLarge: "a frame of a wrong length"
    case .wrongContinuation: "frames out of order"
    case .text: "text where bytes were expected"
    case .invalidClose, .malformedReason: "a wrong close frame"
    }
  }
}
