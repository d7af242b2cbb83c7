import Agent
import Core
import Device
import Linux
import LinuxAgent
import Profile
import Uplink

/// A profile that has come by remote care, looked at while the agent runs: as `sandpiper check` does, and
/// whether this device can go on with it and be cared for.
struct ProposedProfile {
  /// The profile that the agent runs with.
  let present: Configuration
  let brokerURL: String
  let isSimulated: Bool
  /// Where the device keeps its journal.
  let state: StateFolder

  func examine(_ text: Span<UInt8>, signedBy key: CareKey) -> Proposal {
    var bytes: [UInt8] = []
    for index in text.indices { bytes.append(text[index]) }
    guard text.fnv1a != present.device.profileHash else { return .unchanged }
    let url = brokerURL.utf8.isEmpty ? nil : [UInt8](brokerURL.utf8)
    let (configuration, problems) = ProfileReader.read(bytes, brokerURL: url)
    guard let configuration else { return refuse(list(problems, bytes)) }
    if let fault = fault(in: configuration, signedBy: key) { return refuse(fault) }
    guard text.count <= configuration.care.profileBytesMax else {
      return refuse(
        "it is longer than its own care.maxProfile: it could not be proposed again, nor one like it"
      )
    }
    return .good
  }

  private func refuse(_ reason: String) -> Proposal {
    let bytes = [UInt8](reason.utf8)
    Log.write(.warning) { line in
      line.append(literal: "the proposed profile is not good: ")
      line.append(contentsOf: bytes.span)
    }
    return .refused(CareReason(bytes.span))
  }

  /// The first problems; the answer has room for a few.
  private func list(_ problems: [ProfileProblem], _ bytes: [UInt8]) -> String {
    let errors = problems.filter { !$0.isWarning }
    var text = ""
    for problem in errors.prefix(4) {
      let line = problem.described(file: "profile", in: bytes)
      // The answer is cut at 480 bytes; a whole problem less is better than half of one more.
      guard text.utf8.isEmpty || text.utf8.count + line.utf8.count < 460 else { break }
      text += (text.utf8.isEmpty ? "" : "; ") + line
    }
    return errors.count > 1 ? "\(errors.count) errors: " + text : text
  }

  private func fault(in configuration: Configuration, signedBy key: CareKey) -> String? {
    let isSameDevice =
      configuration.string(configuration.device.id) == present.string(present.device.id)
      && configuration.string(configuration.device.base) == present.string(present.device.base)
    guard isSameDevice else {
      return "device.id and device.base stay as they are: the answers go there"
    }
    guard configuration.care.has(key), configuration.care.allowed.contains(.profile) else {
      return
        "its care has to name the key that has signed this, and allow \"profile\": else it would be "
        + "the last"
    }
    let plan = MemoryPlan(configuration, isSimulated: isSimulated)
    guard plan.bytes <= configuration.memoryBudget else {
      return
        "it takes \(plan.bytes) bytes of memory, budget.memory is \(configuration.memoryBudget)"
    }
    guard
      isSimulated || Launcher.boardHas(configuration.points.span, texts: configuration.texts.span)
    else { return "the board has not all of its lines and sensors; the device's log says which" }
    return journalFault(of: configuration)
  }

  /// A device that can't open its journal goes on without one, which nobody sees from afar before an outage.
  private func journalFault(of configuration: Configuration) -> String? {
    let bytes = configuration.uplink.journalBytes
    guard bytes > 0, let path = state.journalFile(of: configuration) else { return nil }
    do throws(FileStorageFault) {
      let medium = try FileStorage(reading: path.span)
      guard !medium.isDevice, medium.byteCount != bytes else { return nil }
      return
        "journal.size: its file has \(medium.byteCount) bytes; give that size, or another journal.file"
    } catch {
      if case .missing = error { return nil }
      return "journal.file: neither a file nor a device that can be opened"
    }
  }
}
