import Agent
import CLinux
import Core
import Linux

/// What remote care keeps over a restart, in the state directory, for its owner's eyes only:
///
///     <id>.care               the record: see `CareRecord`
///     <id>.trial.json         a profile that has to prove itself
///     <id>.profile.json       one that has
///     <id>.profile.json.old   one that was put aside
///
/// Each file is replaced as a whole, and what holds after a power cut is what the record says: it is written
/// before a profile that has proved itself takes the place of the one before, and `settle` makes up for that.
public struct CareKeeper: ~Copyable {
  /// One of the files.
  public enum File: Sendable {
    /// The record.
    case record
    /// A profile that has to prove itself.
    case trial
    /// One that has.
    case accepted
    /// One that was put aside.
    case old

    var ending: StaticString {
      switch self {
      case .record: ".care"
      case .trial: ".trial.json"
      case .accepted: ".profile.json"
      case .old: ".profile.json.old"
      }
    }
  }

  /// The state directory and the device's identifier; empty for no place.
  private let stem: FixedText<960>
  /// The hash of the installed profile, over which others are proposed.
  public var installed: UInt64 = 0
  /// What is kept.
  public var record = CareRecord()
  /// True when there is a record that can't be read: nothing is done then that it might forbid.
  public private(set) var isBroken = false

  /// Reads what is kept under `stem`, which is empty where nothing can be.
  public init(stem: Span<UInt8>) {
    self.stem = FixedText(stem)
    guard hasPlace else { return }
    var error: SystemError?
    var text = FixedText<1024>()
    withPath(of: .record) { path in
      text = FixedText { out in
        do throws(SystemError) { try Linux.File.read(path, into: &out) } catch let fault {
          error = fault
        }
      }
    }
    if let error, error.code == ENOENT { return }
    if error == nil, let record = text.withBytes({ CareRecord(parsing: $0) }) {
      self.record = record
    } else {
      isBroken = true
    }
  }

  /// True where something can be kept.
  public var hasPlace: Bool { !stem.isEmpty && !stem.isCut && !isBroken }

  /// Lends a file's path.
  public func withPath<R, E: Error>(
    of file: File, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    var path = FixedText<1024>()
    path.append(stem)
    path.append(file.ending)
    return try path.withBytes(body)
  }

  /// Writes the record. False, and the log says why, when that fails.
  public func save() -> Bool {
    let record = record
    let text = FixedText<1024> { out in record.append(to: &out) }
    return text.withBytes { write($0, to: .record) }
  }

  private func write(_ bytes: Span<UInt8>, to file: File) -> Bool {
    withPath(of: file) { path in
      do throws(SystemError) {
        try Linux.File.write(atomically: bytes, to: path, mode: 0o600)
        return true
      } catch {
        Self.complain(path, error)
        return false
      }
    }
  }

  private static func complain(_ path: Span<UInt8>, _ error: SystemError) {
    Log.write(.error) { line in
      line.append(contentsOf: path)
      line.append(literal: ": ")
      line.append(error)
    }
  }

  // MARK: Requests

  /// Keeps the number of a request, and that it is answered once the agent has begun anew.
  mutating func keep(_ order: CareOrder) -> CareOutcome {
    guard hasPlace else { return isBroken ? .unreadable : .hasNoPlace }
    let answer = record.answer
    record.number = order.number
    if order.task == .restart { record.answer = CareAnswer(order.number, .restart, .done) }
    guard save() else {
      record.answer = answer
      return .failed
    }
    return .kept
  }

  /// Keeps the number of a request, and the profile that it has brought for the next run.
  mutating func keep(_ order: CareOrder, profile: Span<UInt8>) -> CareOutcome {
    guard write(profile, to: .trial) else { return .failed }
    record.number = order.number
    record.answer = nil
    record.over = installed
    record.trial = CareRecord.Trial(
      hash: profile.fnv1a, number: order.number, within: order.within)
    guard save() else {
      record.trial = nil
      return .failed
    }
    return .kept
  }

  /// The broker has the answer to a request, which another's may have followed.
  mutating func forgetAnswer(to number: UInt64) {
    guard record.answer?.number == number else { return }
    record.answer = nil
    _ = save()
  }

  // MARK: Trials

  /// The profile on trial has proved itself. Nil, and the log says why, when it can't be kept: nothing has
  /// changed then.
  public mutating func confirm() -> CareAnswer? {
    let before = record
    record.endTrial(fault: nil)
    guard save() else {
      record = before
      return nil
    }
    settle()
    return record.answer
  }

  /// Gives the profile that was on trial, and that the record names as accepted, its name.
  public func settle() { _ = move(.trial, to: .accepted) }

  /// The profile on trial is given up.
  public mutating func rollBack(because fault: CareReason) {
    guard record.trial != nil else { return }
    record.endTrial(fault: fault)
    // The flash may be full, and this makes room.
    remove(.trial)
    _ = save()
  }

  /// Puts the profile that has proved itself aside, unless the record can't be written; one that a person has
  /// dropped is put aside already.
  public mutating func setAside() {
    guard let accepted = record.accepted else { return }
    record.accepted = nil
    guard save() else {
      record.accepted = accepted
      return
    }
    if hasAccepted { _ = drop() }
  }

  /// True when the file of a profile that has proved itself is there: a person drops it by taking it away.
  public var hasAccepted: Bool { withPath(of: .accepted) { Linux.File.isThere($0) } }

  /// Takes it away. The record stays as it is: an agent that runs has a copy of it, and is alone in writing it.
  public func drop() -> Bool { move(.accepted, to: .old) }

  private func move(_ file: File, to name: File) -> Bool {
    withPath(of: file) { path in
      withPath(of: name) { name in
        do throws(SystemError) {
          try Linux.File.move(path, to: name)
          return true
        } catch {
          Self.complain(path, error)
          return false
        }
      }
    }
  }

  private func remove(_ file: File) {
    withPath(of: file) { path in
      do throws(SystemError) { try Linux.File.remove(path) } catch { Self.complain(path, error) }
    }
  }
}

/// What is to be said of a proposed profile.
public enum Proposal {
  /// It can be tried.
  case good
  /// It is the one that the agent runs with.
  case unchanged
  /// It can't be used.
  case refused(CareReason)
}
