/** Target groups as DescribeTargetGroups and DescribeTargetGroupAttributes tell of them. */
import type { Group } from "./groups.ts";
import type { Xml } from "./replies.ts";
import { members } from "./replies.ts";
import type { GroupSettings } from "./settings.ts";
import { VPC } from "./target_ids.ts";

/** The account of all ARNs. */
export const ACCOUNT = "123456789012";

/** The ARN of the group of this name. */
export function groupArn(region: string, name: string): string {
  return `arn:aws:elasticloadbalancing:${region}:${ACCOUNT}:targetgroup/${name}/0123456789abcdef`;
}

/** The ARN of the load balancer in the region of this target group. */
export function loadBalancerArn(ofGroup: string): string {
  const [prefix] = ofGroup.split(":targetgroup/");
  return `${prefix}:loadbalancer/net/emulator/0123456789abcdef`;
}

/** A target group's description. */
export function describeGroup({ arn, settings }: Group): Xml {
  return {
    TargetGroupArn: arn,
    TargetGroupName: settings.name,
    Protocol: settings.protocol,
    Port: settings.port,
    VpcId: VPC,
    HealthCheckProtocol: settings.health.check === "http" ? "HTTP" : "TCP",
    HealthCheckPort: settings.healthCheckPort ?? "traffic-port",
    HealthCheckEnabled: settings.health.check !== "none",
    HealthCheckIntervalSeconds: settings.healthCheckIntervalSeconds,
    HealthCheckTimeoutSeconds: settings.healthCheckTimeoutSeconds,
    HealthyThresholdCount: settings.healthyThresholdCount,
    UnhealthyThresholdCount: settings.unhealthyThresholdCount,
    ...(settings.health.check === "http"
      ? { HealthCheckPath: settings.health.path, Matcher: { HttpCode: "200-399" } }
      : {}),
    LoadBalancerArns: members(settings.inUse ? [loadBalancerArn(arn)] : []),
    TargetType: settings.targetType,
    IpAddressType: settings.ipAddressType,
  };
}

/** A target group's attributes, with the defaults that AWS gives to TCP groups. */
export function groupAttributes(settings: GroupSettings): Record<string, string> {
  return {
    "deregistration_delay.timeout_seconds": String(settings.deregistrationDelaySeconds),
    "deregistration_delay.connection_termination.enabled": String(
      settings.connectionTermination,
    ),
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "preserve_client_ip.enabled": String(settings.targetType === "instance"),
    "proxy_protocol_v2.enabled": "false",
    "stickiness.enabled": "false",
    "stickiness.type": "source_ip",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_health_state.unhealthy.connection_termination.enabled": String(
      settings.unhealthyConnectionTermination,
    ),
  };
}
