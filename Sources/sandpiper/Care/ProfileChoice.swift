import Agent
import Core
import Device
import Linux
import LinuxAgent
import Profile

/// Which profile a run takes: the installed one, which the command line names, or one that has come by remote
/// care and was proposed over exactly this text of it.
///
/// | the record has | the run takes | and before |
/// |---|---|---|
/// | a trial that waits | the profile on trial | notes that it has begun |
/// | a trial that has begun | the profile before | the trial is over: the run before has not come through |
/// | an accepted profile | that one | |
/// | an accepted profile whose file is not there | the installed one | forgets it: a person has dropped it |
/// | either, over another text | the installed one | puts it aside: a person has had the last word |
struct ProfileChoice: ~Copyable {
  enum Origin { case installed, accepted, trial }

  private(set) var origin = Origin.installed
  private(set) var configuration: Configuration
  /// The file that it was read from.
  private(set) var path: String
  private(set) var keeper: CareKeeper
  let brokerURL: String
  let isSimulated: Bool

  /// Chooses between the profile that is `installed` at `path`, and what `state` has.
  init(
    _ installed: Configuration, _ path: String, _ state: StateFolder, brokerURL: String,
    isSimulated: Bool
  ) {
    self.path = path
    self.brokerURL = brokerURL
    self.isSimulated = isSimulated
    configuration = installed
    keeper = CareKeeper(stem: state.stem(of: installed).span)
    keeper.installed = installed.device.profileHash
    if keeper.hasPlace { choose() }
  }

  private mutating func choose() {
    let record = keeper.record
    guard record.accepted != nil || record.trial != nil else { return }
    guard record.over == keeper.installed else {
      Log.write(.notice, "the installed profile was changed: the one of remote care is put aside")
      keeper.rollBack(because: CareReason("installed-profile-changed"))
      return keeper.setAside()
    }
    if let trial = record.trial {
      if trial.hasBegun { recover() } else { begin() }
    } else if let accepted = record.accepted,
      ProfileFile(path: keeper.path(of: .trial)).hash == accepted
    {
      // The run that wrote so has not come to give it its name.
      keeper.settle()
    }
    guard origin != .trial, let hash = keeper.record.accepted else { return }
    guard keeper.hasAccepted else {
      Log.write(.notice, "the profile of remote care was dropped: back to the installed one")
      return keeper.setAside()
    }
    if !take(.accepted, hash: hash, as: .accepted) {
      Log.write(.error, "the profile of remote care can't be used: back to the installed one")
      keeper.setAside()
    }
  }

  /// A run has begun with the profile on trial, and this one follows it.
  private mutating func recover() {
    Log.write(.warning, "the run with the profile on trial has ended: back to the one before")
    keeper.rollBack(because: CareReason("run-ended"))
  }

  private mutating func begin() {
    guard let hash = keeper.record.trial?.hash else { return }
    keeper.record.trial?.hasBegun = true
    // Before anything of it is looked at: what ends this run is not to end the next one.
    guard keeper.save(), take(.trial, hash: hash, as: .trial) else {
      Log.write(.error, "the profile on trial can't be used: back to the one before")
      return keeper.rollBack(because: CareReason("unusable"))
    }
  }

  /// Takes the profile of one of the keeper's files, if it is the one that was kept and can be used.
  private mutating func take(_ file: CareKeeper.File, hash: UInt64, as origin: Origin) -> Bool {
    let path = keeper.path(of: file)
    guard let found = ProfileFile(path: path).read(brokerURL: brokerURL),
      found.device.profileHash == hash, MemoryPlan(found, isSimulated: isSimulated).fits(path)
    else { return false }
    configuration = found
    self.path = path
    self.origin = origin
    return true
  }

  /// The keeper, for the run.
  consuming func takeKeeper() -> CareKeeper { keeper }

  /// Says in the log which profile is used.
  func tell() {
    guard configuration.care.isOn || origin != .installed else { return }
    let name = [UInt8](path.utf8)
    let within = keeper.record.trial?.within
    Log.write(origin == .installed ? .info : .notice) { line in
      switch origin {
      case .installed: line.append(literal: "profile as installed: ")
      case .accepted: line.append(literal: "profile that came by remote care: ")
      case .trial: line.append(literal: "profile on trial: ")
      }
      line.append(contentsOf: name.span)
      guard let within, origin == .trial else { return }
      line.append(literal: "; it has to be online within ")
      line.append(within)
    }
  }
}

extension CareKeeper {
  /// A file's path, as text.
  func path(of file: File) -> String {
    withPath(of: file) { bytes in
      var copy: [UInt8] = []
      for index in bytes.indices { copy.append(bytes[index]) }
      return String(decoding: copy, as: UTF8.self)
    }
  }
}
