import Broker
import Core
import MQTT
import Testing

/// Who may connect: user names and passwords, and the exchanges of section 4.12 of the standard of
/// 5.0.
@Suite struct V5AuthenticationTests {
  private let bench = Bench()

  /// Asks for the sum of numbers until it has heard "enough".
  private struct Adding: Authenticator {
    var sum = 0

    mutating func answer(to data: [UInt8]?) -> AuthenticationAnswer {
      guard let data else { return .proceed(nil) }
      let text = String(decoding: data, as: UTF8.self)
      if text == "enough" { return .success(utf8("\(sum)")) }
      guard let number = Int(text) else { return .refuse(.notAuthorized) }
      sum += number
      return .proceed(utf8("\(sum)?"))
    }
  }

  private let method = Property.text(.authenticationMethod, "add")

  private func with(_ data: String) -> [Property] { [method, .text(.authenticationData, data)] }

  private func begin(_ properties: [Property]) -> V5Client {
    bench.rules.methods[utf8("add")] = { _ in Adding() }
    let client = V5Client(bench)
    client.send(connectV5Bytes("a", properties))
    return client
  }

  private func authenticated() -> V5Client {
    let client = begin(with("enough"))
    let answer = client.take()
    #expect(answer.first?.properties.suffix(2) == with("0")[...])
    return client
  }

  @Test func anExchangeOfSeveralStepsLeadsToConnack() {
    let client = begin([method])
    #expect(client.take() == [.authenticate(.continueAuthentication, [method])])
    client.send(authenticateV5Bytes(.continueAuthentication, with("2")))
    client.send(authenticateV5Bytes(.continueAuthentication, with("3")))
    #expect(
      client.take() == [
        .authenticate(.continueAuthentication, with("2?")),
        .authenticate(.continueAuthentication, with("5?")),
      ])
    #expect(bench.takeEvents() == [], "not connected yet")
    client.send(authenticateV5Bytes(.continueAuthentication, with("enough")))
    guard case .connectAck(.success, false, let properties)? = client.take().first else {
      Issue.record("accepted")
      return
    }
    #expect(properties.suffix(2) == with("5")[...])
    client.send([0xC0, 0])
    #expect(client.take() == [.pingResponse])
  }

  @Test func anUnknownMethodIsRefused() {
    let client = begin([.text(.authenticationMethod, "guess")])
    #expect(client.take() == [.connectAck(.badAuthenticationMethod)])
    #expect(client.isClosed)
  }

  @Test func aFailureIsARefusal() {
    let client = begin(with("nonsense"))
    #expect(client.take() == [.connectAck(.notAuthorized)])
    #expect(client.isClosed)
    #expect(bench.takeEvents() == [.refused(client: utf8("a"), .notAuthorized)])
  }

  @Test(
    arguments: [
      publishV5Bytes("t", "x"), [0xC0, 0], connectV5Bytes("a"),
      authenticateV5Bytes(.reauthenticate, [.text(.authenticationMethod, "add")]),
    ])
  func whileItLastsNothingElseMayCome(bytes: [UInt8]) {
    let client = begin([method])
    _ = client.take()
    client.send(bytes)
    #expect(client.take() == [.connectAck(.protocolError)])
    #expect(client.isClosed)
  }

  @Test func anotherMethodInTheMiddleIsRefused() {
    let client = begin([method])
    _ = client.take()
    client.send(
      authenticateV5Bytes(.continueAuthentication, [.text(.authenticationMethod, "guess")]))
    #expect(client.take() == [.connectAck(.badAuthenticationMethod)])
  }

  @Test func anExchangeIsBoundInTime() {
    let client = begin([method])
    for _ in 0..<3 {
      bench.pass(.seconds(3))
      client.send(authenticateV5Bytes(.continueAuthentication, with("1")))
    }
    #expect(!client.isClosed)
    bench.pass(.seconds(1))
    #expect(client.isClosed)
  }

  @Test func disconnectEndsAnExchange() {
    let client = begin([method])
    _ = client.take()
    client.send(disconnectV5Bytes())
    #expect(client.take() == [] && client.isClosed)
  }

  @Test func anExchangeTakesNobodysPlaceUntilItHasSucceeded() {
    let first = bench.connectV5("a")
    let second = begin([method])
    #expect(!first.isClosed)
    second.send(authenticateV5Bytes(.continueAuthentication, with("enough")))
    #expect(first.take() == [.disconnect(.sessionTakenOver)])
    #expect(!second.isClosed)
  }

  // MARK: Again

  @Test func aClientAuthenticatesAgainWhileItGoesOn() {
    let client = authenticated()
    client.send(authenticateV5Bytes(.reauthenticate, with("1")))
    #expect(client.take() == [.authenticate(.continueAuthentication, with("1?"))])
    client.send([0xC0, 0])
    #expect(client.take() == [.pingResponse])
    client.send(authenticateV5Bytes(.continueAuthentication, with("enough")))
    #expect(client.take() == [.authenticate(.success, with("1"))])
    client.send(authenticateV5Bytes(.reauthenticate, with("enough")))
    #expect(client.take() == [.authenticate(.success, with("0"))], "each exchange is a new one")
  }

  @Test func failingAgainEndsTheConnection() {
    let client = authenticated()
    client.send(authenticateV5Bytes(.reauthenticate, with("nonsense")))
    #expect(client.take() == [.disconnect(.notAuthorized)])
    #expect(bench.takeReasons() == [.violated(.notAuthorized)])
  }

  @Test func anotherMethodOrAStepOutOfOrderEndsTheConnection() {
    let other = authenticated()
    other.send(authenticateV5Bytes(.reauthenticate, [.text(.authenticationMethod, "guess")]))
    #expect(other.take() == [.disconnect(.badAuthenticationMethod)])
    let stray = authenticated()
    stray.send(authenticateV5Bytes(.continueAuthentication, [method]))
    #expect(stray.take() == [.disconnect(.protocolError)])
    let twice = authenticated()
    twice.send(authenticateV5Bytes(.reauthenticate, with("1")))
    twice.send(authenticateV5Bytes(.reauthenticate, with("1")))
    #expect(twice.take().last == .disconnect(.protocolError))
  }

  // MARK: User names and passwords

  @Test func theOwnerSeesWhoLogsIn() {
    var seen: [Login] = []
    bench.rules.login = { login in
      seen.append(login)
      return .success
    }
    _ = bench.answer(to: connectV5Bytes("a", userName: "u", password: "p"))
    _ = bench.answer(to: connectV5Bytes("b", password: ""))
    _ = bench.answer(to: connectV5Bytes(""))
    #expect(
      seen == [
        Login(clientID: utf8("a"), userName: utf8("u"), password: utf8("p")),
        Login(clientID: utf8("b"), userName: nil, password: []),
        Login(clientID: utf8("auto-1"), userName: nil, password: nil),
      ])
  }

  @Test(
    arguments: [
      (.badUserNameOrPassword, .badUserNameOrPassword), (.notAuthorized, .notAuthorized),
      (.banned, .notAuthorized), (.serverBusy, .serverUnavailable),
      (.clientIdentifierNotValid, .identifierRejected), (.unspecifiedError, nil),
    ] as [(V5.ConnectReason, ConnectReturnCode?)])
  func everyRefusalIsToldInEachVersion(reason: V5.ConnectReason, code: ConnectReturnCode?) {
    bench.rules.login = { _ in reason }
    #expect(bench.answer(to: connectV5Bytes("a")) == [.connectAck(reason)])
    let old = bench.open()
    old.send(connectBytes("a"))
    #expect(old.take() == code.map { [.connectAck($0)] } ?? [])
    #expect(old.isClosed)
  }

  @Test func whoIsSentElsewhereIsToldWhere() {
    bench.rules.serverReference = utf8("other.example")
    for reason in [V5.ConnectReason.useAnotherServer, .serverMoved] {
      bench.rules.login = { _ in reason }
      #expect(
        bench.answer(to: connectV5Bytes("a"))
          == [.connectAck(reason, false, [.text(.serverReference, "other.example")])])
    }
    bench.rules.login = { _ in .banned }
    #expect(bench.answer(to: connectV5Bytes("a")) == [.connectAck(.banned)])
  }

  @Test func whatAClientMayNotPublishGoesNowhere() {
    bench.rules.mayPublish = { client, topic in client != utf8("a") || topic != utf8("t") }
    let listener = bench.subscriber("listener", "t", .atMostOnce)
    let client = bench.connectV5("a")
    client.publish("t", "x", .atLeastOnce, id: 1)
    #expect(client.take() == [.publishAck(1, .notAuthorized)])
    let old = bench.connect("b")
    old.publish("t", "y", .atLeastOnce, id: 1)
    #expect(old.take() == [.answer(.publishAck, 1)])
    #expect(listener.payloads() == ["y"])
  }
}
