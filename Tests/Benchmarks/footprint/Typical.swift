import CBoard
import Core
import MQTT

/// A typical client: 5.0, and 3.1.1 where the server has no 5.0; a login, a will, measurements at
/// QoS 1 that are sent again after a loss, a subscription at QoS 1 that switches an output.
typealias Client = ClientSession

func makeClient(_ arena: inout Arena) -> Client {
  ClientSession(
    ClientSession.Sizes(
      sendBytes: 1024, receiveBytes: 1024, inflight: 10, received: 10, requests: 2),
    arena: &arena)
}

/// The whole program.
@_cdecl("client_run")
public func run() {
  var arena = Board.arena { arena in _ = makeClient(&arena) }
  var session = makeClient(&arena)
  var level = ProtocolLevel.v50
  while true {
    guard board_connect() == 0 else { continue }
    if serve(&session, level) { level = .v311 }
    board_close()
    session.closed()
  }
}

/// One connection, up to its end; true when the server does not have the version.
private func serve(_ session: inout ClientSession, _ level: ProtocolLevel) -> Bool {
  guard open(&session, level) else { return false }
  var dueAt = Board.now
  while true {
    var isThere = true
    session.receive(at: Board.now) { out in isThere = Board.receive(into: &out) }
    while let event = session.nextEvent(at: Board.now) {
      switch event {
      case .connected:
        Board.withBytes(of: "home/hall/lamp") { filter in
          _ = try? session.subscribe(filter: filter, qos: .atLeastOnce)
        }
      case .message(let message):
        session.withMessage(message) { _, payload in board_switch(payload.equals("on") ? 1 : 0) }
      case .refused(let refusal, _): return refusal.isUnsupportedVersion
      case .failed, .disconnected: return false
      default: break
      }
    }
    if session.isOnline && Board.now >= dueAt {
      dueAt = dueAt + .seconds(60)
      // The owner's store is the sensor: what is sent again is measured again.
      _ = try? session.enqueue(.atLeastOnce, token: 0)
    }
    while let message = session.nextResend() {
      guard send(message, &session) else { break }
    }
    session.withOutput(at: Board.now, Board.send)
    guard isThere else { return false }
    Board.sleep(until: min(dueAt, session.deadline))
  }
}

private func open(_ session: inout ClientSession, _ level: ProtocolLevel) -> Bool {
  let options = ConnectOptions(
    level: level, cleanSession: false, keepAlive: 120, replyTimeout: .seconds(10))
  return Board.withBytes(of: "home/hall/status") { topic in
    Board.withBytes(of: "lost") { lost in
      Board.withBytes(of: "hall") { name in
        Board.withBytes(of: "secret") { password in
          let will = Will(topic: topic, payload: lost, qos: .atLeastOnce, retain: true)
          return
            (try? session.open(
              options, clientID: name, will: will, userName: name, password: password,
              at: Board.now)) != nil
        }
      }
    }
  }
}

private func send(_ message: Resend, _ session: inout ClientSession) -> Bool {
  var digits = InlineArray<20, UInt8>(repeating: 0x30)
  var rest = board_measure()
  var first = digits.count
  repeat {
    first -= 1
    digits[first] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
    rest /= 10
  } while rest > 0 && first > 0
  let payload = digits.span.extracting(first..<digits.count)
  return Board.withBytes(of: "home/hall/temperature") { topic in
    (try? session.resend(message, topic: topic, payload: payload, retain: true)) != nil
  }
}
