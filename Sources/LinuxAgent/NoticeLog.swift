import Agent
import Core
import Device
import Dialing
import Linux
import MQTT
import Uplink

/// The agent's notices as lines of the log.
enum NoticeLog {
  static func write(
    _ notice: Notice, _ link: borrowing BrokerLink<FileStorage>, points: borrowing Points
  ) {
    let dial = link.spec.dial
    let place = BrokerPlace(link)
    let log = EventLog(notice)
    switch notice {
    case .broker(let index):
      log.write(.info) { line in
        line.append(literal: "broker ")
        line.append(decimal: Int64(wide: index + 1))
        line.append(literal: " of ")
        line.append(decimal: Int64(wide: dial.brokerCount))
        line.append(literal: ": ")
        line.append(BrokerPlace(dial.broker(index)), points.texts)
      }
    case .sentOn:
      guard let next = link.nextReference else { break }
      log.write(.notice) { line in
        line.append(literal: "the broker sends us to ")
        line.append(BrokerPlace(dial.broker(link.broker), sentTo: next), points.texts)
      }
    case .lost(.returned):
      log.write(.notice, "back to the first broker")
    case .online(let session):
      log.write(.notice) { line in
        line.append(literal: "online at ")
        line.append(place, points.texts)
        line.append(literal: ", session ")
        line.append(decimal: Int64(bitPattern: session))
      }
    case .lost(let fault):
      log.write(.warning) { line in
        line.append(literal: "connection to the broker lost: ")
        line.append(fault, dial, points.texts)
      }
    case .attemptFailed(.passwordUnreadable(let code), let wait):
      log.write(.error) { line in
        line.append(literal: "the password file ")
        points.texts.withBytes(of: link.spec.passwordFile) { line.append(contentsOf: $0) }
        line.append(literal: " cannot be read: ")
        SystemError.withText(of: code) { line.append(contentsOf: $0) }
        line.append(literal: "; no connection to ")
        line.append(place, points.texts)
        line.append(literal: ", next attempt in ")
        line.append(wait)
      }
    case .attemptFailed(let fault, let wait):
      log.write(.warning) { line in
        line.append(literal: "no connection to ")
        line.append(place, points.texts)
        line.append(literal: ": ")
        line.append(fault, dial, points.texts)
        line.append(literal: "; next attempt in ")
        line.append(wait)
      }
    case .refused(let fault, let wait):
      log.write(.error) { line in
        line.append(literal: "the broker refuses this device: ")
        line.append(fault, dial, points.texts)
        line.append(literal: "; ")
        line.append(literal: fault.remedy)
        line.append(literal: "; next attempt in ")
        line.append(wait)
      }
    case .contested:
      log.write(.error) { line in
        line.append(literal: "another client connects as \"")
        points.texts.withBytes(of: points.spec.id) { line.append(contentsOf: $0) }
        line.append(literal: "\": each throws the other out; give one of them another device.id")
      }
    case .subscriptionRefused:
      log.write(.error, "the broker refuses a subscription to the device's own topics")
    case .command(let point, let level, let duration):
      log.write(.info) { line in
        line.append(literal: "command for ")
        line.append(point: point, points)
        line.append(literal: level ? ": on" : ": off")
        guard let duration else { return }
        line.append(literal: " for ")
        line.append(duration)
      }
    case .commandRefused(let refusal, let point):
      log.write(.warning) { line in
        line.append(literal: "command for ")
        line.append(point: point, points)
        line.append(literal: " refused: ")
        line.append(literal: refusal.reason)
      }
    case .messageTooLarge(let bytes):
      log.write(.warning) { line in
        line.append(literal: "a message of ")
        line.append(decimal: Int64(wide: bytes))
        line.append(literal: " bytes was passed over: uplink.packet is less")
      }
    case .unsendable(let reason, let count):
      log.write(.warning) { line in
        line.append(
          literal: "messages that the broker does not take were given up, since the start: ")
        line.append(decimal: Int64(wide: Int(truncatingIfNeeded: count)))
        line.append(literal: "; the last one: ")
        line.append(literal: reason.words)
      }
    case .reasserted:
      log.write(.warning, "another's word on our status topic: ours was said again")
    case .careRefused(let reason, let count):
      log.write(.warning) { line in
        line.append(literal: "remote care: a request was passed over: ")
        line.append(literal: reason)
        line.append(literal: "; since the start: ")
        line.append(decimal: Int64(wide: Int(truncatingIfNeeded: count)))
      }
    case .care(let task, let refusal):
      log.write(.notice) { line in
        line.append(literal: "remote care: ")
        line.append(literal: task.word)
        guard let refusal else { return }
        line.append(literal: " refused: ")
        line.append(literal: refusal)
      }
    case .logRestored: log.write(.notice, "remote care: the log is as it was")
    case .profileHolds: log.write(.notice, "the profile on trial has proved itself, and is kept")
    case .profileGivenUp:
      log.write(.warning, "the profile on trial has not proved itself: back to the one before")
    case .stopping(let undelivered):
      log.write(.notice) { line in
        line.append(literal: "stopping; messages not yet acknowledged: ")
        line.append(decimal: Int64(wide: undelivered))
      }
    case .journal(nil): log.write(.notice, "the journal can be written again")
    case .journal(let fault?):
      log.write(.error) { line in
        line.append(literal: "the journal can't be written, readings wait in memory only: ")
        switch fault {
        case .full: line.append(literal: "the medium is full")
        case .readOnly: line.append(literal: "the medium is read-only")
        case .failed(let code): SystemError.withText(of: code) { line.append(contentsOf: $0) }
        }
        line.append(literal: "; tried again each minute while the link is down")
      }
    case .stopped: log.write(.notice, "stopped")
    }
  }
}

extension LinkFault {
  /// What a person can do about a refusal.
  public var remedy: StaticString {
    switch self {
    case .refused(.returnCode(.badUserNameOrPassword)), .refused(.reason(.badUserNameOrPassword)):
      "see broker.user and broker.passwordFile"
    case .refused(.returnCode(.identifierRejected)),
      .refused(.reason(.clientIdentifierNotValid)):
      "device.id is the client identifier: name one that the broker takes"
    case .refused(let refusal) where refusal.isUnsupportedVersion: "see broker.version"
    case .refused(.returnCode(.notAuthorized)), .refused(.reason(.notAuthorized)),
      .refused(.reason(.banned)), .disconnected(.notAuthorized):
      "see the login, and what the broker allows this device"
    default: "the broker's log may say more"
    }
  }
}

extension GivingUp {
  /// Why, and what a person can do about it.
  fileprivate var words: StaticString {
    switch self {
    case .refused(0x87): "not authorised: see the broker's access list, or sandpiper doctor"
    case .refused(0x90): "topic not accepted: see device.base, and the broker's rules"
    case .refused(0x97): "a quota is exceeded: see the broker's limits"
    case .refused: "refused: the broker's log may say more"
    case .tooLarge: "larger than the broker takes: see its limits, or make uplink.packet smaller"
    case .closedFor: "the broker closes the connection for it: its log may say why"
    }
  }
}

extension LogLine {
  /// Appends the point's name, for machines too.
  fileprivate mutating func append(point: Int?, _ points: borrowing Points) {
    guard let point else { return append(literal: "a point that is not there") }
    points.texts.withBytes(of: points.name(point)) { name in
      append(contentsOf: name)
      note("POINT", name)
    }
  }

  /// Appends the fault and what is known of its cause.
  fileprivate mutating func append(
    _ fault: LinkFault, _ dial: DialSpec, _ texts: borrowing TextPool
  ) {
    if case .dial(let fault) = fault {
      append(fault)
      if case .tls(let fault) = fault, let setting = fault.setting, !dial.tls[setting].isEmpty {
        append(literal: ": ")
        append { dial.tls.describe(setting, texts: texts, into: &$0) }
      }
      return
    }
    append(literal: fault.slug)
    guard let words = fault.words else { return }
    append(literal: " (")
    append(literal: words)
    append(literal: ")")
  }
}
