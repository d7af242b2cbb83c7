import CBoard
import Core
import MQTT

/// The whole client: a `SessionManager` with 5.0 and both versions before, aliases both ways, a store
/// that sends again, subscriptions that are restored, QoS 0 to 2, back-off, drain before it leaves.
typealias Client = SessionManager

func makeClient(_ arena: inout Arena) -> Client {
  var session = ClientSession.Sizes(
    sendBytes: 2048, receiveBytes: 2048, inflight: 20, received: 20, requests: 8)
  session.outboundAliases = 8
  session.inboundAliases = 8
  session.aliasTopicBytes = 64
  var sizes = ManagerSizes(session: session, storeBytes: 4096)
  sizes.unsentMarks = 16
  sizes.identityBytes = 256
  sizes.subscriptionBytes = 64
  var connect = ConnectOptions(
    level: .v50, cleanSession: false, keepAlive: 120, replyTimeout: .seconds(10))
  connect.assignsAliases = true
  connect.largeMessages = .stream
  var options = ManagerOptions(connect)
  options.fallsBack = true
  options.whenFull = .dropOldest
  return SessionManager(options, sizes: sizes, seed: 1, arena: &arena)
}

/// The whole program.
@_cdecl("client_run")
public func run() {
  var arena = Board.arena { arena in _ = makeClient(&arena) }
  var manager = makeClient(&arena)
  guard identify(&manager) else { return }
  Board.withBytes(of: "home/hall/+/set") { filter in
    let options = V5.SubscriptionOptions(qos: .exactlyOnce)
    _ = try? manager.keepSubscription(filter: filter, options: options, tag: 1, at: Board.now)
  }
  manager.connect()
  var dueAt = Board.now
  var tag: UInt64 = 0
  while true {
    turn(&manager)
    if Board.now >= dueAt {
      dueAt = dueAt + .seconds(60)
      tag += 1
      publish(&manager, tag)
      if tag == .max { manager.disconnect(drain: .seconds(5), at: Board.now) }
    }
    manager.withOutput(at: Board.now, Board.send)
    Board.sleep(until: min(dueAt, manager.deadline))
  }
}

private func turn(_ manager: inout SessionManager) {
  switch manager.nextAction() {
  case .open?:
    if board_connect() == 0 {
      manager.opened(at: Board.now)
    } else {
      manager.transportFailed(at: Board.now)
    }
  case .close?: board_close()
  case nil: break
  }
  var isThere = true
  manager.receive(at: Board.now) { out in isThere = Board.receive(into: &out) }
  if !isThere { manager.transportFailed(at: Board.now) }
  while let event = manager.nextEvent(at: Board.now) {
    guard case .message(let message) = event else { continue }
    manager.withMessage(message) { _, payload in board_switch(payload.equals("on") ? 1 : 0) }
  }
}

private func identify(_ manager: inout SessionManager) -> Bool {
  Board.withBytes(of: "home/hall/status") { topic in
    Board.withBytes(of: "lost") { lost in
      Board.withBytes(of: "hall") { name in
        Board.withBytes(of: "secret") { password in
          let will = Will(topic: topic, payload: lost, qos: .atLeastOnce, retain: true)
          return manager.identify(
            ConnectIdentity(clientID: name, userName: name, password: password, will: will))
        }
      }
    }
  }
}

private func publish(_ manager: inout SessionManager, _ tag: UInt64) {
  let digits: InlineArray<2, UInt8> = [
    0x30 + UInt8(truncatingIfNeeded: board_measure() / 10 % 10),
    0x30 + UInt8(truncatingIfNeeded: board_measure() % 10),
  ]
  Board.withBytes(of: "home/hall/temperature") { topic in
    let message = OutgoingMessage(
      topic: topic, payload: digits.span, qos: tag % 2 == 0 ? .atLeastOnce : .exactlyOnce)
    _ = try? manager.publish(message, tag: tag, expiry: .seconds(3600), at: Board.now)
  }
}
