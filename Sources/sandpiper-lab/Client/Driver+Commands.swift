import Core
import Linux
import MQTT

/// The commands, one after the other; each has exactly one reply.
extension Driver {
  /// Reads and carries out one line of the input.
  func handle(_ range: Range<Int>) {
    do throws(DriverLine.Fault) {
      try read(range)
    } catch {
      return reply(.invalid)
    }
    guard !line.command.isEmpty else { return }
    do {
      try carryOut()
    } catch let failure as DriverFailure {
      reply(failure)
    } catch {
      reply(.invalid)
    }
  }

  private func carryOut() throws {
    if line.isCommand("pub") { return try publish() }
    if line.isCommand("ack") { return try acknowledge() }
    if line.isCommand("stat") { return status() }
    if line.isCommand("new") { return try makeClient() }
    if line.isCommand("will") { return try setWill() }
    if line.isCommand("will-clear") { return try clearWill() }
    if line.isCommand("tls") { return try setTLS() }
    if line.isCommand("transport") { return try setTransport() }
    if line.isCommand("connect") { return try connect() }
    if line.isCommand("reconnect") { return try reconnect() }
    if line.isCommand("auto") { return try setAuto() }
    if line.isCommand("sub") { return try subscribe() }
    if line.isCommand("unsub") { return try unsubscribe() }
    if line.isCommand("disconnect") { return try disconnect() }
    if line.isCommand("abort") { return try abort() }
    if line.isCommand("auth") { return try authenticate() }
    if line.isCommand("store") { return try setStore() }
    if line.isCommand("split") { return try split() }
    if line.isCommand("match") { return try match() }
    if line.isCommand("feed") { return try feed() }
    if line.isCommand("tick") { return try tick() }
    if line.isCommand("help") { return help() }
    if line.isCommand("quit") {
      exitCode = Int32(try line.number("rc") ?? 0) & 0xFF
      return done()
    }
    throw DriverFailure.unknownCommand
  }

  // MARK: Replies

  /// Begins "ok <command>".
  func beginReply() {
    out.begin("ok ")
    appendCommand()
  }

  /// "ok <command>".
  func done() {
    beginReply()
    out.end()
  }

  private func reply(_ failure: DriverFailure) {
    out.begin("err ")
    appendCommand()
    out.field("code", failure.rawValue)
    out.field("name", failure.slug)
    out.end()
  }

  private func appendCommand() {
    let bytes = line.bytes
    out.append(encoding: bytes.span.extracting(line.command))
  }

  // MARK: What most commands need

  /// The client; `no-client` before `new`.
  func current() throws -> LabClient {
    guard let client else { throw DriverFailure.noClient }
    return client
  }

  /// The client with its manager.
  func ready() throws -> LabClient {
    let client = try current()
    client.prepare()
    return client
  }

  func bytes(_ key: StaticString) -> [UInt8]? { line.value(key).map { Array($0) } }

  /// QoS 0 when none is named.
  func qos(_ key: StaticString = "qos") throws -> QoS {
    guard let number = try line.number(key) else { return .atMostOnce }
    guard number <= 2, let qos = QoS(rawValue: UInt8(number)) else { throw DriverFailure.invalid }
    return qos
  }

  /// The properties of the line, in `properties`.
  func takeProperties() throws { try line.properties(into: &properties) }

  // MARK: Topics

  private func split() throws {
    guard let topic = bytes("topic"), topic.count > 0, isValidText(topic.span) else {
      throw DriverFailure.invalid
    }
    beginReply()
    out.field("n", topic.count { $0 == UInt8(ascii: "/") } + 1)
    out.key("levels")
    var start = 0
    for end in 0...topic.count where end == topic.count || topic[end] == UInt8(ascii: "/") {
      if start > 0 { out.append(",") }
      out.append(encoding: topic.span.extracting(start..<end), commas: true)
      start = end + 1
    }
    out.end()
  }

  private func match() throws {
    guard let topic = bytes("topic"), let filter = bytes("filter"), TopicName.isValid(topic.span),
      TopicFilter.isValid(filter.span)
    else { throw DriverFailure.invalid }
    beginReply()
    out.field("yes", TopicFilter.matches(filter: filter.span, topic: topic.span) ? 1 : 0)
    out.end()
  }

  private func help() {
    beginReply()
    out.append(
      " new will will-clear tls transport connect reconnect auto pub sub unsub disconnect abort ack"
    )
    out.append(" auth store stat split match feed tick quit")
    out.end()
  }

  // MARK: State

  private func status() {
    beginReply()
    let queued = client?.manager?.session.waitingCount ?? 0
    out.field("queued", queued)
    out.field("inflight", (client?.manager?.session.inflightCount ?? 0) - queued)
    let counters = client?.manager?.session.counters
    out.field("sent-bytes", Int(counters?.bytesSent ?? 0))
    out.field("recv-bytes", Int(counters?.bytesReceived ?? 0))
    out.field("allocs", AllocationCount.sinceMark)
    out.field("rss-kb", Memory.residentKiB ?? 0)
    let connections = client?.manager?.connectionCount ?? 0
    out.field("reconnects", connections > 0 ? Int(connections) - 1 : 0)
    out.field("pings", Int(counters?.pings ?? 0))
    out.field("unsolicited", Int(counters?.unsolicited ?? 0))
    out.field("duplicates", Int(counters?.duplicates ?? 0))
    out.field("dropped", Int(client?.manager?.droppedCount ?? 0))
    appendStoreStatus()
    out.end()
  }
}
