import Core
import Journal
import Linux

/// The medium: syncs, and what happens when it fails.
extension MessageJournal {
  /// Carries the medium along: to be called when `descriptor` is readable, when `deadline` has come, and
  /// after each turn in which something was appended or settled.
  package func step(at moment: Moment) {
    let now = moment.instant
    if fault != nil { tryAgain(at: moment) }
    if fault == nil {
      finishCommit(at: now)
      settlePrefix()
      moveToRing(at: now)
      commit(at: now)
    }
    dropExpired(at: moment)
  }

  /// Makes durable what is not, and waits for that, for `limit` at the most. For the end of a run, and
  /// for those who have no loop.
  package func flush(within limit: Interval) {
    guard fault == nil, ring.isOpen else { return }
    let until = Clock.now() + limit
    var commits = 0
    while fault == nil, Clock.now() < until {
      finishCommit(at: Clock.now())
      settlePrefix()
      if ring.isSyncing {
        waitForMedium(until: until)
      } else {
        // What a sync itself leaves to be said is said once.
        guard ring.hasUnsynced, commits < 3 else { return }
        commits += 1
        commitDue = .boot
        commit(at: Clock.now())
      }
    }
  }

  /// True when what was published has to be on the medium before anybody hears of it.
  package var savesAlways: Bool { configuration.sync == .always }

  /// Waits until what was appended is on the medium, or that has failed, for `limit` at the most.
  package func save(within limit: Interval) {
    guard fault == nil, ring.isOpen else { return }
    let until = Clock.now() + limit
    let wanted = ring.tail
    while fault == nil, ring.durable < wanted, Clock.now() < until {
      if ring.isSyncing {
        waitForMedium(until: until)
        finishCommit(at: Clock.now())
      } else {
        commitDue = .boot
        commit(at: Clock.now())
        // Marks alone need not be there.
        guard ring.isSyncing else { return }
      }
    }
  }

  private func waitForMedium(until: Instant) {
    guard var loop = try? EventLoop(),
      (try? loop.add(ring.medium.descriptor, token: 0, read: true, write: false)) != nil
    else { return }
    loop.wait(until: until, at: Clock.now()) { _ in }
  }

  // MARK: Syncs

  private func commit(at now: Instant) {
    guard commitDue <= now, !ring.isSyncing else { return }
    commitDue = .never
    do throws(StorageFault) {
      try ring.commit()
    } catch {
      return failed(JournalFault(error), at: now)
    }
    uncommitted = 0
    unsaidSettled = 0
  }

  private func finishCommit(at now: Instant) {
    do throws(StorageFault) {
      guard try ring.finishCommit() else { return }
    } catch {
      return failed(JournalFault(error), at: now)
    }
    retryWait = Self.retryMin
    noteSaved()
    if ring.hasUnsynced, commitDue == .never { commitDue = now + .seconds(1) }
  }

  /// Tells who waits that their messages are on the medium for good.
  private func noteSaved() {
    let durable = ring.durable.offset
    while unsaved < entries.end {
      let entry = entries[unsaved]
      if entry.state != .settled {
        guard let place = entry.place, place.upperBound <= durable else { return }
        tellKept(entry, isStored: true)
        // The next few leave from memory; the rest is read again when its turn has come.
        if entry.state == .handed || unsaved - nextWaiting > UInt64(configuration.window) {
          entries[unsaved].copy = nil
        }
      }
      unsaved += 1
    }
  }

  private func tellKept(_ entry: KeptEntry, isStored: Bool) {
    guard configuration.sync == .always, entry.owner != 0, entry.place != nil else { return }
    notices.append(.kept(owner: entry.owner, isStored: isStored))
  }

  // MARK: A medium that fails

  /// The client goes on in memory.
  func failed(_ fault: JournalFault, at now: Instant) {
    isProbing = false
    retryAt = now + retryWait
    retryWait = min(retryWait * 2, Self.retryMax)
    commitDue = .never
    guard self.fault != fault else { return }
    let isNew = self.fault == nil
    self.fault = fault
    counts.failures += isNew ? 1 : 0
    notices.append(.event(.failed(fault)))
    // Nobody waits for a medium that does not answer.
    for number in unsaved..<entries.end where entries[number].state != .settled {
      tellKept(entries[number], isStored: false)
    }
  }

  private func tryAgain(at moment: Moment) {
    let now = moment.instant
    if isProbing { return endProbe(at: now) }
    guard retryAt <= now else { return }
    guard ring.isOpen else {
      do throws(JournalFault) {
        try open(at: moment)
      } catch {
        return failed(error, at: now)
      }
      return restored(at: now)
    }
    do throws(StorageFault) {
      try ring.retry()
    } catch {
      return failed(JournalFault(error), at: now)
    }
    isProbing = true
    // Whether it can be used again only the sync tells.
    retryAt = .never
    if !ring.isSyncing { endProbe(at: now) }
  }

  private func endProbe(at now: Instant) {
    do throws(StorageFault) {
      guard try ring.finishCommit() || !ring.isSyncing else { return }
    } catch {
      return failed(JournalFault(error), at: now)
    }
    retryWait = Self.retryMin
    restored(at: now)
    noteSaved()
  }

  private func restored(at now: Instant) {
    isProbing = false
    fault = nil
    retryAt = .never
    notices.append(.event(.restored))
    moveToRing(at: now)
    if ring.hasUnsynced { commitDue = now }
  }
}
