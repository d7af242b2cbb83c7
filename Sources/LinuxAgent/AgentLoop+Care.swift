import Agent
import Core
import Linux

/// Remote care: who has signed, what is kept, and what the log writes.
extension AgentLoop where Hardware: ~Copyable {
  mutating func carryOut(_ action: CareAction, at moment: Moment) {
    switch action {
    case .verify:
      signer = Self.signer(agent, careSpec)
      agent.careVerified(signer != nil, at: moment)
    case .keep(let order):
      if order.task == .profile, keeper.hasPlace {
        // What reads profiles is lent to `run` alone.
        proposal = order
      } else {
        agent.careKept(keeper.keep(order), at: moment)
      }
    case .log(let level):
      Log.threshold = level.map { Log.Level($0) } ?? usualThreshold
    case .confirm: agent.careConfirmed(keeper.confirm(), at: moment)
    case .forget(let number): keeper.forgetAnswer(to: number)
    }
  }

  /// The key of the profile's by which the request is signed.
  private static func signer(
    _ agent: borrowing DeviceAgent<FileStorage>, _ care: CareSpec
  ) -> CareKey? {
    agent.withSignedCare { message, signature in
      for index in 0..<care.keyCount {
        let key = care.key(index)
        let verdict = key.withBytes { Signature.verify(signature, of: message, by: $0) }
        if case .good = verdict { return key }
      }
      return nil
    }
  }

  /// Looks at the profile that was proposed; true when there was one.
  mutating func examineProposal(
    _ propose: (Span<UInt8>, CareKey) -> Proposal, at moment: Moment
  ) -> Bool {
    guard let order = proposal, let signer else { return false }
    proposal = nil
    agent.careKept(Self.examine(agent, &keeper, order, signer, propose), at: moment)
    return true
  }

  private static func examine(
    _ agent: borrowing DeviceAgent<FileStorage>, _ keeper: inout CareKeeper, _ order: CareOrder,
    _ signer: CareKey, _ propose: (Span<UInt8>, CareKey) -> Proposal
  ) -> CareOutcome {
    agent.withProposedProfile { text in
      var plain = order
      plain.task = nil
      switch propose(text, signer) {
      case .good: return keeper.keep(order, profile: text)
      case .unchanged: return keeper.keep(plain).isKept ? .profileUnchanged : .failed
      case .refused(let reason):
        return keeper.keep(plain).isKept ? .profileRefused(reason) : .failed
      }
    }
  }
}

extension CareOutcome {
  fileprivate var isKept: Bool { if case .kept = self { true } else { false } }
}

extension Log.Level {
  fileprivate init(_ level: CareLevel) {
    switch level {
    case .error: self = .error
    case .warning: self = .warning
    case .notice: self = .notice
    case .info: self = .info
    case .debug: self = .debug
    }
  }
}
