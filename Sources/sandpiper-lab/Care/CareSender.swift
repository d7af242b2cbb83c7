import Core
import JSON
import Linux
import MQTT

/// Sends one request, and waits for what the device answers.
final class CareSender {
  /// The exit status without an answer.
  private static let unanswered: Int32 = 3

  private let loop: ClientLoop
  private let topic: [UInt8]
  private let message: [UInt8]
  private let number: UInt64
  private let endsAt: Instant
  private let patience: Interval
  private let isQuiet: Bool
  private var assembly = MessageAssembly()
  private var isSent = false
  private var isLeaving = false
  private var outcome: Int32?
  private var status: Int32?

  init(
    _ meaning: ConnectionArguments.Meaning, topic: [UInt8], _ message: [UInt8], number: UInt64,
    patience: Interval, isQuiet: Bool
  ) throws {
    let client = LabClient(meaning.settings)
    client.way = meaning.way
    client.options.reconnects = true
    client.options.fallsBack = true
    loop = try ClientLoop(client)
    self.topic = topic
    self.message = message
    self.number = number
    self.patience = patience
    endsAt = Clock.now() + patience
    self.isQuiet = isQuiet
  }

  /// Runs to the end; the exit status.
  func run() -> Int32 {
    loop.connect()
    while true {
      loop.serve { event in handle(event) }
      if let status { return status }
      if loop.isInterrupted { return outcome ?? Self.unanswered }
      if Clock.now() >= endsAt, !isLeaving {
        tell(
          "no answer within \(patience.seconds) s: is the device online, and care in its profile?")
        leave(Self.unanswered)
      }
      if loop.client.deadline <= .boot { continue }
      loop.wait(until: isLeaving ? .never : endsAt)
    }
  }

  private func handle(_ event: ManagerEvent) {
    switch event {
    case .connected: subscribe()
    case .subscribed(let answer):
      var isGranted = false
      loop.client.manager?.withPacket { bytes in isGranted = bytes[answer.codes][0] < 0x80 }
      guard isGranted else {
        tell("the broker does not let us hear the answers")
        return leave(1)
      }
      send()
    case .published(let published) where published.isFailure:
      tell("the broker does not take the request: reason \(published.code)")
      leave(1)
    case .published: tell("sent, request \(number); waiting for the device")
    case .message, .largeMessage, .payloadPiece:
      if let message = assembly.take(event, loop.client) { take(message.payload) }
    case .ended(let cause, let wasOnline, _):
      if isLeaving {
        status = outcome ?? 0
      } else {
        tell(loop.text(cause))
        if !wasOnline && !isSent { status = 1 }
      }
    default: break
    }
  }

  private func subscribe() {
    let filter = topic + Array("/result".utf8)
    let isV5 = loop.client.manager?.protocolLevel == .v50
    do {
      let filters = try [UInt8](capacity: filter.count + 3) { (out) throws(EncodeError) in
        if isV5 {
          try V5.Subscribe.append(
            filter: filter.span, options: V5.SubscriptionOptions(qos: .atLeastOnce), to: &out)
        } else {
          try Subscribe.append(filter: filter.span, qos: .atLeastOnce, to: &out)
        }
      }
      _ = try loop.client.manager?.subscribe(filters: filters.span)
    } catch {
      tell("not subscribed: \(error)")
      leave(1)
    }
  }

  private func send() {
    guard !isSent else { return }
    isSent = true
    let (name, bytes) = (topic, message)
    do throws(PublishError) {
      let request = OutgoingMessage(
        topic: name.span, payload: bytes.span, qos: .atLeastOnce, retain: false)
      _ = try loop.client.manager?.publish(request, tag: 1, at: Clock.now())
    } catch {
      tell("the request is not taken: \(error.words)")
      leave(1)
    }
  }

  /// An answer: to us, or to somebody else.
  private func take(_ payload: [UInt8]) {
    guard let answer = Answer(payload), answer.number == number, !isLeaving else { return }
    Terminal.print(payload.text)
    switch answer.result {
    case "accepted": tell("taken; the device begins anew")
    case "done", "applied": leave(0)
    default: leave(1)
    }
  }

  private func leave(_ code: Int32) {
    isLeaving = true
    outcome = code
    loop.client.manager?.disconnect(at: Clock.now())
  }

  private func tell(_ text: String) {
    if !isQuiet { Terminal.complain("sandpiper-lab: \(text)") }
  }

  /// What of an answer matters here.
  private struct Answer {
    var number: UInt64?
    var result = ""

    init?(_ payload: [UInt8]) {
      var reader = JSONReader()
      let text = payload.span
      do throws(JSONError) {
        guard case .beginObject? = try reader.next(in: text) else { return nil }
        while case .key(let key)? = try reader.next(in: text) {
          switch try reader.next(in: text) {
          case .number(let value) where key.equals("n", in: text):
            number = value.whole.flatMap { UInt64(exactly: $0) }
          case .string(let value) where key.equals("result", in: text):
            result = String(
              decoding: payload[value.offset..<value.offset + value.count], as: UTF8.self)
          case .beginObject, .beginArray: try reader.skipContainer(in: text)
          default: break
          }
        }
      } catch {
        return nil
      }
    }
  }
}
