import Core
import MQTT
import Testing

/// A session and a server over a link that delivers in pieces, in both directions at its own pace,
/// and breaks; what either side had on the way is lost then.
@Suite struct RandomisedTests {
  /// The broker keeps the session: QoS 2 exactly once, QoS 1 at least once, both in order.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func nothingIsLostOverAKeptSession(seed: UInt64) {
    let world = World(seed: seed, forgetful: false)
    world.run()
    #expect(world.faults == [] && world.server.violations == [])
    for qos in [QoS.atLeastOnce, .exactlyOnce] {
      let sent = world.published.filter { $0.hasPrefix("\(qos.rawValue):") }
      let got = world.server.accepted.filter { $0.hasPrefix("\(qos.rawValue):") }
      #expect(qos == .exactlyOnce ? got == sent : firsts(got) == sent)
      let back = world.sentBack.filter { $0.hasPrefix("\(qos.rawValue):") }
      let taken = world.taken.filter { $0.hasPrefix("\(qos.rawValue):") }
      #expect(qos == .exactlyOnce ? taken == back : firsts(taken) == back)
    }
    #expect(world.acknowledged == world.published.count, "each once")
    // Enough has happened to say so.
    #expect(world.published.count > 100 && world.taken.count > 50)
    #expect(world.bench.counters.messagesResent > 10 && world.bench.counters.duplicates > 1)
  }

  /// The broker forgets the session at some of the breaks: the owner's store still loses nothing.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func nothingIsLostOverAForgottenSession(seed: UInt64) {
    let world = World(seed: seed, forgetful: true)
    world.run()
    #expect(world.faults == [] && world.server.violations == [])
    #expect(Set(world.server.accepted) == Set(world.published))
    #expect(world.acknowledged == world.published.count, "each once")
  }

  private func firsts(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}

private final class World {
  let server = ScriptedServer()
  let bench: Bench
  private var generator: Generator
  private let isForgetful: Bool

  /// The owner's store: what is not acknowledged, in publishing order.
  private var store: [(token: UInt32, payload: String, qos: QoS, isUnderWay: Bool)] = []
  private var nextToken: UInt32 = 1
  private(set) var published: [String] = []
  private(set) var sentBack: [String] = []
  private(set) var taken: [String] = []
  private(set) var acknowledged = 0
  private(set) var faults: [SessionFault] = []

  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []

  init(seed: UInt64, forgetful: Bool) {
    generator = Generator(seed: seed)
    isForgetful = forgetful
    let sizes = ClientSession.Sizes(
      sendBytes: 160, receiveBytes: 100, inflight: 5, received: 8, requests: 1)
    bench = Bench(sizes, cleanSession: false, keepAlive: 30)
    bench.open()
  }

  func run() {
    for round in 0..<2_000 { step(isCalm: round > 1_600) }
  }

  private func chance(_ percent: UInt64) -> Bool { generator.next(below: 100) < percent }

  private func step(isCalm: Bool) {
    bench.now = bench.now + .milliseconds(Int64(generator.next(below: 400)))
    if !isCalm {
      if chance(30) { accept() }
      if chance(20) && server.underWayCount < 4 { sendBack() }
      if chance(3) { breakLink() }
    }
    bench.session.withOutput(at: bench.now) { bytes in
      let count = isCalm ? bytes.count : Int(generator.next(below: UInt64(bytes.count + 1)))
      for index in 0..<count { toServer.append(bytes[index]) }
      return count
    }
    let some = isCalm ? toServer.count : Int(generator.next(below: UInt64(toServer.count + 1)))
    server.receive(Array(toServer[..<some]))
    toServer.removeFirst(some)
    toClient += server.outbox
    server.outbox = []
    let room = min(toClient.count, bench.receiveCapacity)
    let count = isCalm ? room : Int(generator.next(below: UInt64(room + 1)))
    bench.bring(Array(toClient[..<count]))
    toClient.removeFirst(count)
    if isCalm || chance(70) { takeEvents() }
    sendFromStore()
  }

  /// The application has a new message.
  private func accept() {
    guard store.count < 10 else { return }
    let qos: QoS = chance(50) ? .atLeastOnce : .exactlyOnce
    let payload = "\(qos.rawValue):\(nextToken)"
    store.append((nextToken, payload, qos, false))
    published.append(payload)
    nextToken += 1
  }

  private func sendBack() {
    guard bench.isOnline else { return }
    let qos: QoS = chance(50) ? .atLeastOnce : .exactlyOnce
    let payload = "\(qos.rawValue):back \(sentBack.count)"
    let before = server.underWayCount
    server.send(payload, qos)
    if server.underWayCount > before { sentBack.append(payload) }
  }

  private func breakLink() {
    bench.session.closed()
    server.closed()
    toServer = []
    toClient = []
    if isForgetful && chance(40) { server.dropSession() }
    bench.open()
  }

  private func takeEvents() {
    while let event = bench.next() {
      switch event {
      case .connected(let sessionPresent):
        guard !sessionPresent else { continue }
        for index in store.indices { store[index].isUnderWay = false }
      case .message: taken.append(String(bench.text(event)?.dropFirst(2) ?? "?"))
      case .acknowledged(let token):
        acknowledged += 1
        store.removeAll { $0.token == token }
      case .failed(let fault):
        faults.append(fault)
        breakLink()
      default: faults.append(.protocolViolation)
      }
      if chance(20) { return }
    }
  }

  private func sendFromStore() {
    let topic = utf8("t")
    while let again = bench.nextResend() {
      guard let message = store.first(where: { $0.token == again.token }) else {
        faults.append(.receivedFull)
        return
      }
      let payload = utf8(message.payload)
      do throws(PublishError) {
        try bench.session.resend(again, topic: topic.span, payload: payload.span, retain: false)
      } catch { return }
    }
    for index in store.indices where !store[index].isUnderWay {
      let payload = utf8(store[index].payload)
      do throws(PublishError) {
        try bench.session.publish(
          topic: topic.span, payload: payload.span, qos: store[index].qos, retain: false,
          token: store[index].token)
      } catch { return }
      store[index].isUnderWay = true
    }
  }
}
