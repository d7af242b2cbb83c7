import Core
import Device
import Uplink

/// What the rim has to do.
public enum AgentAction: BitwiseCopyable, Equatable, Sendable {
  /// See `LinkAction`.
  case link(LinkAction)
  /// Drive an output; answer with `driven`.
  case drive(Points.Drive)
  /// See `CareAction`.
  case care(CareAction)
}

/// Everything that the profile decides, as the constructor needs it.
public struct AgentSpecs: BitwiseCopyable, Sendable {
  /// The device.
  public var device: DeviceSpec
  /// Its way to the broker.
  public var uplink: UplinkSpec
  /// Who may care for it from afar.
  public var care: CareSpec

  /// All together.
  public init(device: DeviceSpec, uplink: UplinkSpec, care: CareSpec = CareSpec()) {
    self.device = device
    self.uplink = uplink
    self.care = care
  }
}

/// Why the agent stops.
public enum StopReason: BitwiseCopyable, Sendable {
  /// Asked to: SIGTERM, or a person.
  case asked
  /// To begin anew with a changed profile.
  case reload
  /// To begin anew as it is, because somebody has asked for that from afar.
  case restart
  /// To begin anew with the profile before: the present one has not proved itself.
  case rollBack
  /// To be followed by another process, which whoever asks starts: outputs do not take their stop state.
  case handOver

  var slug: StaticString {
    switch self {
    case .asked: "stopped"
    case .reload: "reload"
    case .restart, .handOver: "restart"
    case .rollBack: "rolled-back"
    }
  }

  /// True when this process begins anew at once: outputs do not take their stop state.
  public var beginsAnew: Bool {
    switch self {
    case .reload, .restart, .rollBack: true
    case .asked, .handOver: false
    }
  }
}
