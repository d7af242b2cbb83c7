import Core
import MQTT

/// A client's session against a server that plays its part by a script.
extension Facts {
  mutating func aboutSessions() {
    aboutMessages()
    aboutALoss()
    aboutSilence()
  }

  /// Bytes both ways until neither has more to say; the events.
  private func exchange(_ bench: Bench, _ server: ScriptedServer) -> [Heard] {
    var heard: [Heard] = []
    for _ in 0..<100 {
      server.receive(bench.output())
      let bytes = server.outbox
      server.outbox = []
      bench.bring(bytes)
      while let event = bench.next() { heard.append(event) }
      if bytes.isEmpty && !bench.hasOutput { break }
    }
    return heard
  }

  private mutating func aboutMessages() {
    let bench = Bench(cleanSession: false)
    let server = ScriptedServer()
    bench.open()
    expect(exchange(bench, server) == [.connected(sessionPresent: false)], "a connection")
    for (payload, qos) in [("a", .atMostOnce), ("b", .atLeastOnce), ("c", .exactlyOnce)]
      as [(String, QoS)]
    {
      _ = try? bench.publish(payload, qos)
    }
    let answers = exchange(bench, server)
    expect(answers.contains(.acknowledged(token: 0x62)), "QoS 1 acknowledged")
    expect(answers.contains(.acknowledged(token: 0x63)), "QoS 2 acknowledged")
    expect(server.accepted == ["a", "b", "c"], "three messages at the server, in order")

    _ = try? bench.subscribe("t", .exactlyOnce)
    expect(exchange(bench, server).count == 1, "a subscription")
    for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
      server.send("hello", qos)
      let bytes = server.outbox
      server.outbox = []
      expect(bench.text(bench.receive(bytes)) == "t hello", "a message at QoS \(qos.rawValue)")
      _ = exchange(bench, server)
    }
    expect(server.underWayCount == 0, "the client has acknowledged all messages")
    expect(server.violations.isEmpty, "the client has kept the rules")
  }

  /// What a lost connection had under way goes out again on the next, once.
  private mutating func aboutALoss() {
    let bench = Bench(cleanSession: false)
    let server = ScriptedServer()
    bench.open()
    _ = exchange(bench, server)
    for payload in ["x", "y"] { _ = try? bench.publish(payload, .exactlyOnce) }
    server.receive(bench.output())
    server.closed()
    bench.session.closed()
    bench.open()
    server.receive(bench.output())
    bench.bring(server.outbox)
    server.outbox = []
    expect(bench.next() == .connected(sessionPresent: true), "the session is there again")
    expect(bench.resendAll() == [0x78, 0x79], "what was under way is sent again")
    _ = exchange(bench, server)
    expect(server.accepted == ["x", "y"], "and accepted once")
    expect(bench.inflightCount == 0, "nothing is left under way")
    expect(server.violations.isEmpty, "the client has kept the rules over a loss")
  }

  private mutating func aboutSilence() {
    let bench = Bench.online(keepAlive: 60, replyTimeout: .seconds(5))
    _ = bench.next(after: .seconds(60))
    expect(bench.output() == [0xC0, 0], "a ping after a minute")
    expect(bench.next(after: .seconds(5)) == .failed(.pingTimedOut), "no answer to it")
  }
}
