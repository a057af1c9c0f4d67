output "flags" {
  description = "Flags of the sidecar, for `args` in the manifests"
  value       = [for group in aws_lb_target_group.this : "-target-group-name=${group.name}:${group.port}"]
}

output "target_group_arns" {
  description = "Target group ARNs by port name, for -target-group-arn"
  value       = { for name, group in aws_lb_target_group.this : name => group.arn }
}

output "role_arn" {
  description = "For the service account's annotation eks.amazonaws.com/role-arn (IRSA)"
  value       = aws_iam_role.sidecar.arn
}

output "security_group_id" {
  description = "The pods' security group must admit this one"
  value       = aws_security_group.load_balancer.id
}

output "dns_name" {
  description = "Where clients in the VPC connect"
  value       = aws_lb.this.dns_name
}

output "endpoint_service_name" {
  description = "Where PrivateLink clients connect; null without principals"
  value       = one(aws_vpc_endpoint_service.this[*].service_name)
}
