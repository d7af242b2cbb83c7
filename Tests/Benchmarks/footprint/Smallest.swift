import CBoard
import Core
import MQTT

/// The smallest client: MQTT 3.1.1 with a clean session, a measurement at QoS 0 each minute, PINGREQ.
/// Compiled with `SANDPIPER_MQTT_V3`.
typealias Client = ClientSession

func makeClient(_ arena: inout Arena) -> Client {
  ClientSession(
    ClientSession.Sizes(sendBytes: 128, receiveBytes: 64, inflight: 1, received: 1, requests: 1),
    arena: &arena)
}

/// The whole program.
@_cdecl("client_run")
public func run() {
  var arena = Board.arena { arena in _ = makeClient(&arena) }
  var session = makeClient(&arena)
  while true {
    guard board_connect() == 0 else { continue }
    serve(&session)
    board_close()
    session.closed()
  }
}

/// One connection, up to its end.
private func serve(_ session: inout ClientSession) {
  let options = ConnectOptions(
    level: .v311, cleanSession: true, keepAlive: 120, replyTimeout: .seconds(10))
  let isOpen = Board.withBytes(of: "thermometer") { clientID in
    (try? session.open(options, clientID: clientID, at: Board.now)) != nil
  }
  guard isOpen else { return }
  var dueAt = Board.now
  while true {
    var isThere = true
    session.receive(at: Board.now) { out in isThere = Board.receive(into: &out) }
    while let event = session.nextEvent(at: Board.now) {
      switch event {
      case .refused, .failed: return
      default: break
      }
    }
    if session.isOnline && Board.now >= dueAt {
      dueAt = dueAt + .seconds(60)
      Board.withBytes(of: "home/hall/temperature") { topic in
        _ = try? session.publish(
          topic: topic, payloadMax: 20, qos: .atMostOnce, retain: false, token: 0
        ) { out in out.append(decimal: Int64(wide: Int(board_measure()))) }
      }
    }
    session.withOutput(at: Board.now, Board.send)
    guard isThere else { return }
    Board.sleep(until: min(dueAt, session.deadline))
  }
}
