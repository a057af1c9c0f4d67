# What the sidecar needs, and no more: the calls of ../iam-policy.json, on these groups only.
data "aws_iam_policy_document" "sidecar" {
  statement {
    actions = [
      "elasticloadbalancing:RegisterTargets",
      "elasticloadbalancing:DeregisterTargets",
    ]
    resources = [for group in aws_lb_target_group.this : group.arn]
  }

  # Describe calls have no resource-level permissions.
  statement {
    actions = [
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "trust" {
  # IRSA: the token of this one service account.
  dynamic "statement" {
    for_each = var.oidc_provider_arn == null ? [] : [var.oidc_provider_arn]

    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:sub"
        values   = ["system:serviceaccount:${var.service_account.namespace}:${var.service_account.name}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${local.oidc_issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }

  # Pod Identity: by the tags that EKS gives to the session.
  dynamic "statement" {
    for_each = var.pod_identity_cluster == null ? [] : [var.pod_identity_cluster]

    content {
      actions = ["sts:AssumeRole", "sts:TagSession"]

      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [var.service_account.namespace]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [var.service_account.name]
      }
    }
  }
}

locals {
  # arn:aws:iam::111122223333:oidc-provider/ISSUER
  oidc_issuer = var.oidc_provider_arn == null ? "" : regex("oidc-provider/(.*)$", var.oidc_provider_arn)[0]
}

resource "aws_iam_role" "sidecar" {
  name               = "${var.name}-nlb-registrator"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "sidecar" {
  name   = "targets"
  role   = aws_iam_role.sidecar.id
  policy = data.aws_iam_policy_document.sidecar.json
}

data "aws_eks_cluster" "this" {
  count = var.pod_identity_cluster == null ? 0 : 1

  name = var.pod_identity_cluster
}

resource "aws_eks_pod_identity_association" "sidecar" {
  count = var.pod_identity_cluster == null ? 0 : 1

  cluster_name    = var.pod_identity_cluster
  namespace       = var.service_account.namespace
  service_account = var.service_account.name
  role_arn        = aws_iam_role.sidecar.arn
}
