import Core
import Linux
import MQTT
import MQTTClient

/// A client's durable outbox: the one that Swift programs have.
extension LabClient {
  /// The loop's token for the end of a sync.
  static let storeToken: UInt32 = 2

  /// The clocks as the journal takes them; time goes by commands where there is no transport.
  var moment: Moment {
    var moment = Clock.moment()
    moment.instant = now
    return moment
  }

  /// Keeps messages in `configuration`'s file from now on.
  func keep(in configuration: JournalConfiguration) throws {
    closeStore()
    let opened = try MessageJournal(
      configuration, memoryMessages: Self.messagesMax, memoryBytes: Self.storeBytes, at: moment)
    // Identifiers are told with the reply, so the session has a message before the medium has; what
    // `save` waits for comes before anything leaves.
    opened.handsUnsaved = true
    journal = opened
    handOver()
  }

  /// Has all on the medium, and lets go of it.
  func closeStore() {
    journal?.flush(within: .seconds(2))
    journal = nil
    journalDescriptor = -1
    journalIDs = [:]
  }

  /// With `sync=always` what was published is on the medium before its reply and before it is sent.
  func save() {
    guard let journal, journal.savesAlways else { return }
    journal.save(within: .seconds(30))
  }

  func watchJournal(_ loop: borrowing EventLoop) {
    let descriptor = journal?.descriptor ?? -1
    guard descriptor != journalDescriptor else { return }
    journalDescriptor = descriptor
    guard descriptor >= 0 else { return }
    try? loop.add(descriptor, token: Self.storeToken, read: true, write: false)
  }

  /// Hands what the journal has to the session, as far as there is room.
  func handOver() {
    guard let journal, manager != nil else { return }
    manager?.windowMax = journal.window
    while (manager?.store.count ?? 0) < Self.messagesMax, let next = journal.next(at: moment) {
      let properties =
        manager?.protocolLevel == .v50 ? next.message.properties(left: next.left) : []
      do throws(PublishError) {
        let publication = try manager?.publish(
          OutgoingMessage(
            topic: next.message.topic.span, properties: properties.span,
            payload: next.message.payload.span, qos: next.message.qos,
            retain: next.message.retain),
          tag: next.tag, expiry: next.left, at: now)
        journalIDs[next.tag] = publication?.packetID
      } catch {
        switch error {
        case .windowFull, .bufferFull, .notConnected: return journal.putBack(next.tag)
        default: journal.drop(next.tag, .unsendable(error), at: now)
        }
      }
    }
  }

  /// A connection has ended: the server may have closed it for one of the messages.
  func noteEnd(_ cause: ConnectionEnd, wasOnline: Bool) {
    guard let journal, wasOnline else { return }
    let isByServer =
      switch cause {
      case .transport: fault?.isByPeer ?? true
      case .disconnected(let reason): reason.isForPacket
      default: false
      }
    let poison = journal.connectionEnded(byBroker: isByServer, at: now) { tag in
      manager?.wasSentHere(tag: tag) ?? false
    }
    if let poison { _ = manager?.giveUp(tag: poison) }
  }
}
