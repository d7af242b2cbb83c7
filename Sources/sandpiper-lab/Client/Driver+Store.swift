import Core
import Linux
import MQTT
import MQTTClient

/// `store`, and what becomes of what it keeps.
extension Driver {
  func setStore() throws {
    let client = try ready()
    guard let path = line.text("path") else { throw DriverFailure.invalid }
    var configuration = JournalConfiguration(path: path)
    if let bytes = try line.number("max-bytes") { configuration.maximumBytes = bytes }
    if let messages = try line.number("max-msgs") { configuration.maximumMessages = messages }
    if let window = try line.number("window") { configuration.window = window }
    switch line.text("drop") ?? "newest" {
    case "newest": configuration.whenFull = .refuse
    case "oldest": configuration.whenFull = .dropOldest
    default: throw DriverFailure.invalid
    }
    let batch = try line.number("batch-ms") ?? 1_000
    switch line.text("sync") ?? "always" {
    case "always": configuration.sync = .always
    case "batch": configuration.sync = .batch(every: .milliseconds(batch))
    default: throw DriverFailure.invalid
    }
    guard configuration.isGood else { throw DriverFailure.invalid }
    do {
      try client.keep(in: configuration)
    } catch let fault as JournalFault {
      Terminal.complain("client: store: \(fault)")
      throw fault == .inUse ? DriverFailure.busy : .invalid
    }
    done()
  }

  /// Publishes by way of the store.
  func publishKept(
    _ message: borrowing OutgoingMessage, tag: UInt64, expiry: Interval?, by client: LabClient,
    _ journal: MessageJournal
  ) throws(PublishError) -> (packetID: UInt16, isQueued: Bool) {
    try client.manager?.check(message)
    guard client.settings.level == .v50 || message.properties.isEmpty else {
      throw .invalidProperties
    }
    let kept = try KeptMessage(
      topic: [UInt8](copying: message.topic), properties: [UInt8](copying: message.properties),
      payload: [UInt8](copying: message.payload), qos: message.qos, retain: message.retain,
      lifetime: expiry, at: client.moment)
    let key = try append(kept, tag, to: journal, by: client)
    client.handOver()
    guard let packetID = client.journalIDs[key] else {
      return (0, true)
    }
    let isSent = client.manager?.wasSentHere(tag: key) ?? false
    return (packetID, !isSent)
  }

  private func append(
    _ message: KeptMessage, _ tag: UInt64, to journal: MessageJournal, by client: LabClient
  ) throws(PublishError) -> UInt64 {
    for _ in 0..<3 {
      do throws(JournalRefusal) {
        return try journal.append(message, owner: tag, at: client.moment) { tag in
          client.manager?.withdraw(tag: tag) ?? false
        }.tag
      } catch {
        switch error {
        case .full: throw .windowFull
        case .tooLarge: throw .packetTooLarge
        // What is settled is written, and there is room.
        case .awaitsMedium: journal.flush(within: .seconds(30))
        }
      }
    }
    throw .windowFull
  }

  // MARK: Events

  /// Carries the medium along, and tells what there is to tell.
  func serveStore() {
    guard let client, let journal = client.journal else { return }
    journal.step(at: client.moment)
    while let notice = journal.nextNotice() {
      switch notice {
      case .event(let event): tell(event)
      case .kept: break
      case .dropped(let owner, let tag, let reason):
        out.begin("ev dropped")
        out.field("mid", Int(client.journalIDs.removeValue(forKey: tag) ?? 0))
        append(reference: owner)
        out.field("why", reason.word)
        out.end()
      }
    }
  }

  private func tell(_ event: JournalEvent) {
    switch event {
    case .recovered(let count):
      out.begin("ev store state=recovered")
      out.field("n", count)
    case .failed(let fault):
      out.begin("ev store state=failed")
      out.field("why", encoding: Array(fault.description.utf8).span)
    case .restored: out.begin("ev store state=restored")
    }
    out.end()
  }

  /// A message of the session's was answered or dropped: who `pub` has called it, where the store has it.
  func settleKept(_ tag: UInt64, dropped reason: ManagerEvent.Dropped.Reason? = nil) -> UInt64? {
    guard let client, let journal = client.journal, let owner = journal.owner(of: tag) else {
      return nil
    }
    if let reason {
      // Told by a notice.
      journal.drop(tag, JournalDrop(reason), at: client.now)
    } else {
      client.journalIDs[tag] = nil
      _ = journal.settle(tag, at: client.now)
    }
    return owner
  }

  /// The fields of `stat` that there are with a store alone.
  func appendStoreStatus() {
    guard let statistics = client?.journal?.statistics else { return }
    out.field("stored", statistics.messages)
    out.field("recovered", Int(statistics.recovered))
    out.field("expired", Int(statistics.expired))
    out.field("displaced", Int(statistics.displaced))
    out.field("oversize", Int(statistics.unsendable))
    out.field("poison", Int(statistics.poisonous))
    out.field("store-bytes", statistics.bytesUsed)
    out.field("store-fault", statistics.fault == nil ? 0 : 1)
  }
}

extension JournalDrop {
  /// The word of the line protocol.
  fileprivate var word: StaticString {
    switch self {
    case .expired: "expired"
    case .full: "full"
    case .poison: "poison"
    case .unsendable(.packetTooLarge): "oversize"
    case .unsendable: "session"
    case .rotten: "rotten"
    case .withdrawn: "withdrawn"
    }
  }
}
