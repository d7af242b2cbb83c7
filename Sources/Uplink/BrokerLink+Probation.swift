import Core
import Journal
import MQTT

/// Messages for which the broker may be closing the connection: see `Probation`.
extension BrokerLink where Medium: ~Copyable {
  /// True while suspected messages are tested; nothing that can wait is to be sent then.
  public var isTesting: Bool { probation.isTesting }

  /// The connection is lost.
  mutating func suspect(_ fault: LinkFault) {
    let test = probation.test
    probation.test = nil
    guard fault.mayBeForMessage else { return }
    var isSuspected = false
    for index in 0..<spec.inflight where window.isUnderWay(index) {
      let token = UInt32(truncatingIfNeeded: index)
      let ends = outbox.ended(token, isTest: token == test)
      if ends >= Probation.endsMax + Probation.testsMax {
        packsUnderWay[index] = false
        countUnsendable(Self.giveUp(&outbox, &backlog, token), .closedFor)
      } else if ends >= Probation.endsMax {
        isSuspected = true
        if packsUnderWay[index], !isTesting { probation.shortenPacks(from: packPayloadMax) }
      }
    }
    if let (start, end) = backlog.underWay {
      if probation.ended(withJournal: start, upTo: end) {
        isSuspected = true
        if !isTesting { probation.shortenPacks(from: packPayloadMax) }
      }
      if let test, test >= Self.backlogTokens, probation.testEnded(at: start) {
        countUnsendable(1, .closedFor)
      }
    }
    if isSuspected { probation.isTesting = true }
  }

  /// True when a suspect may be sent: it has to be alone, and the broker to be well.
  private var mayTest: Bool { probation.hasHeard && session.isAnswered }

  /// Sees to it that a suspect may be sent, or will be; true when it may.
  mutating func prepareTest(at now: Instant) -> Bool {
    if !probation.hasHeard, !probation.hasAsked {
      session.ping(at: now)
      probation.hasAsked = true
    }
    return mayTest
  }

  /// Notices that the broker has answered something.
  mutating func listenForTest() {
    if probation.hasAsked, !session.awaitsPingResponse { probation.hasHeard = true }
  }

  /// True when the next pack from the journal is to have one record.
  var testsJournal: Bool { isTesting && probation.hasSuspect(from: backlog.cursor) }

  /// A packet of the outbox is under way.
  mutating func noteTest(_ token: UInt32) {
    if isTesting, outbox.isSuspected(token) { probation.test = token }
  }

  /// Sends what waits up to the last suspect, in order, one packet at a time. The test is over when there
  /// is no suspect any more.
  mutating func sendSuspects(
    _ renderer: borrowing some MessageRenderer & ~Copyable, at moment: Moment
  ) {
    while prepareTest(at: moment.instant), let token = outbox.freeToken() {
      returnToJournal()
      let isInJournal = backlog.hasUnsent
      guard outbox.hasSuspect || isInJournal && testsJournal else { break }
      if isInJournal {
        guard sendBacklog(renderer, at: moment) else { return }
      } else if let place = outbox.nextHistorical() {
        if isExpired(place, renderer, at: moment) { continue }
        guard sendHistorical(place, token, renderer, at: moment) else { return }
      } else {
        break
      }
    }
    if mayTest { probation.isTesting = false }
  }
}
