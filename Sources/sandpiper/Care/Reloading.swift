import Agent
import Core
import Linux
import LinuxAgent
import Profile

/// SIGHUP: whether the agent may begin anew with the profile that the next run would take.
struct Reloading {
  private let path: String
  private let installed: UInt64
  private let origin: ProfileChoice.Origin
  private let brokerURL: String
  private let isSimulated: Bool
  private let stem: [UInt8]

  init(_ choice: borrowing ProfileChoice, _ installedPath: String, _ state: StateFolder) {
    path = installedPath
    installed = choice.keeper.installed
    origin = choice.origin
    brokerURL = choice.brokerURL
    isSimulated = choice.isSimulated
    stem = state.stem(of: choice.configuration)
  }

  func isPossible() -> Bool {
    guard let next = next() else { return false }
    guard let configuration = ProfileFile(path: next).read(brokerURL: brokerURL),
      MemoryPlan(configuration, isSimulated: isSimulated).fits(next),
      isSimulated || Launcher.boardHas(configuration.points.span, texts: configuration.texts.span)
    else {
      Log.write(.error, "the new profile is not good: nothing changes")
      return false
    }
    Log.write(.notice, "the new profile is good: beginning anew with it")
    return true
  }

  /// The file that the next run would take; nil when this is no time for it.
  private func next() -> String? {
    guard origin != .installed, ProfileFile(path: path).hash == installed else { return path }
    // What was on trial at the start may have proved itself since, and somebody may have dropped it:
    // `sandpiper care --drop`.
    let keeper = CareKeeper(stem: stem.span)
    guard keeper.record.trial == nil else {
      Log.write(.notice, "a profile is on trial: nothing changes until that is over")
      return nil
    }
    return keeper.record.accepted != nil && keeper.hasAccepted ? keeper.path(of: .accepted) : path
  }
}

extension LaunchEnd {
  /// The run with the profile on trial could not even begin: the one before follows.
  func rollBack(_ stem: [UInt8]) {
    let reason: StaticString
    switch self {
    case .stopped, .reload: return
    case .boardFailed: reason = "board-failed"
    case .failed, .statusFailed: reason = "failed"
    }
    var keeper = CareKeeper(stem: stem.span)
    keeper.rollBack(because: CareReason(reason))
  }
}
