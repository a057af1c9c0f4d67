resource "aws_vpc_endpoint_service" "this" {
  count = length(var.privatelink_principals) > 0 ? 1 : 0

  network_load_balancer_arns = [aws_lb.this.arn]
  allowed_principals         = var.privatelink_principals
  acceptance_required        = true
}
